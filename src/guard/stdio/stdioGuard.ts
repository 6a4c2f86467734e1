import { errorCode, reasonOf } from '../../base/errors.ts';
import { say } from '../message/ownAnswers.ts';
import type { GuardOptions } from '../options/guardOptions.ts';
import type { Ended } from '../process/serverProcess.ts';
import { runRecordOnly } from './recordOnly.ts';
import { StdioSession } from './stdioSession.ts';

/** Another server has the resource (EX_TEMPFAIL of sysexits.h). */
const inUseCode = 75;

/** Starts the server, and stands between it and the client on our standard input and output until it ends. @returns the exit code */
export async function runStdioGuard(options: GuardOptions): Promise<number> {
  process.stdout.on('error', () => undefined);
  // What we have to say is said to whoever listens: a log that is full, or that nobody reads any more, ends no session.
  process.stderr.on('error', () => undefined);
  // A fault of ours in something beside the messages must not end the session.
  process.on('unhandledRejection', (error) => say(`a fault of its own: ${reasonOf(error)}`));
  // While nothing runs that it could restart, it ends nothing either.
  process.on('SIGUSR2', () => undefined);
  try {
    const ended = await (options.recordOnly ? runRecordOnly(options) : relayed(options));
    return 'refused' in ended ? inUseCode : exitAs(ended);
  } catch (error) {
    const cure = errorCode(error) === 'MODULE_NOT_FOUND' ? '. MCP Shepherd’s own files are gone: install it again' : '';
    say(`${options.command} could not be started: ${reasonOf(error)}${cure}`);
    // As a shell says it: 127 = there is no such program.
    return errorCode(error) === 'ENOENT' ? 127 : 126;
  }
}

async function relayed(options: GuardOptions): Promise<Ended | { readonly refused: string }> {
  const session = new StdioSession(options);
  const refused = options.locks.length > 0 ? await session.lock() : undefined;
  if (refused !== undefined) {
    say(refused);
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

/** Ends as the server ended. */
function exitAs({ code, signal }: Ended): number {
  if (signal !== null) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  }
  return code ?? 1;
}
