import { reasonOf } from '../../base/errors.ts';
import type { GuardOptions } from '../options/guardOptions.ts';
import type { endServer } from '../process/endServer.ts';
import type { Ended, ServerProcess, startServer } from '../process/serverProcess.ts';
import type { GuardEnvironment, LockOutcome } from '../publish/guardEnvironment.ts';
import type { GuardRecord } from '../publish/guardRecord.ts';

const cannotRestart = 'it was started with --record-only, and only its client can restart it';

/** From SIGTERM to SIGKILL, ms. */
const termMs = 5_000;

/** The functions that the start of every guard has loaded already. Imported here, it would be split from the rest of the start into a piece of its own. */
interface StartParts {
  readonly startServer: typeof startServer;
  readonly endServer: typeof endServer;
  say(line: string): void;
  /** Answers every request of the client with the reason, in place of a server. */
  giveUp(reason: string): void;
}

/**
 * `--record-only`: the server inherits the client's pipes, so calls have no overhead. The guard holds the locks, publishes the record and ends a server that
 * outlives its client. It sees no messages and so cannot refuse calls or restart the server. Loaded by `import()`, because few guards are started so.
 * @returns how the server ended @throws the system's error when it cannot be started
 */
export async function runRecordOnly(options: GuardOptions, parts: StartParts): Promise<Ended | { readonly refused: string }> {
  const { say, endServer } = parts;
  const unpublished = (error: unknown): void => say(`it is not published: ${reasonOf(error)}`);
  const parent = process.ppid;
  // Without a lock the server is started first.
  const before = options.locks.length > 0 ? await readEnvironment(options) : undefined;
  const lock: LockOutcome = (await before?.lock(new AbortController().signal)) ?? { status: 'start' };
  if (lock.status === 'refuse') {
    say(lock.text);
    // No server has the pipes, so the guard answers.
    parts.giveUp(lock.text);
    await new Promise<void>((resolve) => process.stdin.once('end', resolve).once('close', resolve));
    return { refused: lock.text };
  }
  let server: ServerProcess;
  try {
    server = await parts.startServer({ ...options, inherited: lock.instance?.inheritableFiles ?? [], stdio: 'inherit' });
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
  // The session runs by now: no failure from here on may leave it without a guard that ends the server.
  const environment = before ?? (await readEnvironment(options).catch(unpublished));
  const stopWatch = environment?.watchClient(end, { also: 'parent' });
  if (process.ppid !== parent) {
    // The client was gone before the watch began.
    end();
  }
  const record = await (environment && publish({ environment, lock, server, end, say }).catch(unpublished));
  const ended = await server.exited;
  stopWatch?.();
  await endServer(server, { politeMs: 0, termMs });
  await (record ? record.close() : lock.instance?.unlockAndClose());
  return ended;
}

async function readEnvironment(options: GuardOptions): Promise<GuardEnvironment> {
  const { GuardEnvironment } = await import('../publish/guardEnvironment.ts');
  return GuardEnvironment.read(options);
}

interface Published {
  readonly environment: GuardEnvironment;
  readonly lock: LockOutcome & { readonly status: 'start' };
  readonly server: ServerProcess;
  end(): void;
  say(line: string): void;
}

async function publish({ environment, lock, server, end, say }: Published): Promise<GuardRecord | undefined> {
  const x = lock.conflict ? { conflict: lock.conflict.text } : {};
  const record = await environment.publish(
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
  await record?.serves([server], undefined);
  return record;
}
