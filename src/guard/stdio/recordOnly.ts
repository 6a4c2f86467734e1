import { reasonOf } from '../../base/errors.ts';
import { say } from '../message/ownAnswers.ts';
import type { GuardOptions } from '../options/guardOptions.ts';
import { endServer } from '../process/endServer.ts';
import { type Ended, type ServerProcess, startServer } from '../process/serverProcess.ts';
import type { GuardEnvironment, LockOutcome } from '../publish/guardEnvironment.ts';
import type { GuardRecord } from '../publish/guardRecord.ts';
import { Relay } from '../relay/relay.ts';

const cannotRestart = 'it was started with --record-only, and only its client can restart it';

/** From SIGTERM to SIGKILL, ms. */
const termMs = 5_000;

/**
 * `--record-only`: the client's pipes are the server's own, so that a call costs nothing. The guard holds the locks, publishes the record and ends a server
 * that outlives its client; it sees no message, and so can neither refuse nor restart anything.
 * @returns how the server ended @throws the system's error when it cannot be started
 */
export async function runRecordOnly(options: GuardOptions): Promise<Ended | { readonly refused: string }> {
  const parent = process.ppid;
  // A server that needs no lock is started before anything is looked at.
  const before = options.locks.length > 0 ? await look(options) : undefined;
  const lock: LockOutcome = (await before?.lock(new AbortController().signal)) ?? { status: 'start' };
  if (lock.status === 'refuse') {
    say(lock.text);
    // No server has the pipes: somebody must answer.
    new Relay(process.stdin, process.stdout).giveUp(lock.text);
    await new Promise((resolve) => process.stdin.once('end', resolve));
    return { refused: lock.text };
  }
  let server: ServerProcess;
  try {
    server = await startServer({ ...options, inherited: lock.instance?.inheritableFiles ?? [], stdio: 'inherit' });
  } catch (error) {
    await lock.instance?.unlockAndClose();
    throw error;
  }
  const end = (): void => void endServer(server, { politeMs: options.graceMs, termMs });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      server.signal(signal);
      end();
    });
  }
  process.on('SIGUSR2', () => say(`not restarted: ${cannotRestart}`));
  // Server and client speak with each other by now: whatever fails here must not leave them without anybody who ends the server.
  const surroundings = before ?? (await look(options).catch(unpublished));
  const stopWatch = surroundings?.watchClient(end, { also: 'parent' });
  if (process.ppid !== parent) {
    // It was gone before anybody watched.
    end();
  }
  const publication = await (surroundings && publish(surroundings, lock, server, end).catch(unpublished));
  const ended = await server.exited;
  stopWatch?.();
  await endServer(server, { politeMs: 0, termMs });
  await (publication ? publication.close() : lock.instance?.unlockAndClose());
  return ended;
}

function unpublished(error: unknown): undefined {
  say(`it is not published: ${reasonOf(error)}`);
}

async function look(options: GuardOptions): Promise<GuardEnvironment> {
  const { GuardEnvironment } = await import('../publish/guardEnvironment.ts');
  return GuardEnvironment.read(options);
}

async function publish(
  surroundings: GuardEnvironment,
  lock: LockOutcome & { status: 'start' },
  server: ServerProcess,
  end: () => void,
): Promise<GuardRecord | undefined> {
  const x = lock.conflict ? { conflict: lock.conflict.text } : {};
  const publication = await surroundings.publish(
    lock.instance,
    x,
    {
      status: () => ({ servers: [server.pid], restarting: false }),
      restart: () => ({ status: 'failed', reason: cannotRestart, kept: true }),
      stop: async () => {
        server.signal('SIGTERM');
        end();
        await server.exited;
        return { status: 'stopped' };
      },
    },
    say,
  );
  await publication?.serves([server], undefined);
  return publication;
}
