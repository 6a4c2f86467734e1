import { errorCode, reasonOf } from '../../base/errors.ts';
import { say } from '../message/ownAnswers.ts';
import type { GuardOptions } from '../options/guardOptions.ts';
import { type GuardPlace, ownPlace } from '../process/guardPlace.ts';
import type { Ended } from '../process/serverProcess.ts';
import { StdioSession } from './stdioSession.ts';

/** Exit code when another server has the resource (EX_TEMPFAIL of sysexits.h). */
const inUseCode = 75;

/** Runs the guard between a client on standard input and output and the server, until the server ends. @returns the exit code */
export async function runStdioGuard(options: GuardOptions): Promise<number> {
  process.stdout.on('error', () => undefined);
  // A log that is full or closed must not end the session.
  process.stderr.on('error', () => undefined);
  // A fault outside of the message path must not end the session.
  process.on('unhandledRejection', (error) => say(`internal error: ${reasonOf(error)}`));
  // Without a handler SIGUSR2 would end the guard before the server runs.
  process.on('SIGUSR2', () => undefined);
  return exitAs(await sessionOutcome(options, ownPlace()));
}

/** How a session ended: as its server did, or with an exit code of the guard's own. */
export type SessionOutcome = Pick<Ended, 'code' | 'signal'>;

/** Runs one session until it ends. Never throws. */
export async function sessionOutcome(options: GuardOptions, place: GuardPlace): Promise<SessionOutcome> {
  try {
    const ended = await relayed(options, place);
    return 'refused' in ended ? { code: inUseCode, signal: null } : ended;
  } catch (error) {
    const hint = errorCode(error) === 'MODULE_NOT_FOUND' ? '. MCP Shepherd’s own files are gone: install it again' : '';
    place.say(`${options.command} could not be started: ${reasonOf(error)}${hint}`);
    // As in a shell: 127 = no such program, 126 = it cannot be started.
    return { code: errorCode(error) === 'ENOENT' ? 127 : 126, signal: null };
  }
}

async function relayed(options: GuardOptions, place: GuardPlace): Promise<Ended | { readonly refused: string }> {
  const session = new StdioSession(options, place);
  const refused = options.locks.length > 0 ? await session.lock() : undefined;
  if (refused !== undefined) {
    place.say(refused);
    await session.refuse(refused);
    return { refused };
  }
  try {
    await session.begin();
    return await session.finished;
  } finally {
    await session.close();
  }
}

/** The exit code of the server; when a signal ended it, the same signal ends this process. */
function exitAs({ code, signal }: SessionOutcome): number {
  if (signal !== null) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  }
  return code ?? 1;
}
