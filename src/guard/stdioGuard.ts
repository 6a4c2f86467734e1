import { say } from './answers.ts';
import type { GuardOptions } from './guardOptions.ts';
import { GuardSession } from './guardSession.ts';

/** Another server has the resource (EX_TEMPFAIL of sysexits.h). */
const inUseCode = 75;

/** Starts the server, and stands between it and the client on our standard input and output until it ends. @returns the exit code */
export async function runStdioGuard(options: GuardOptions): Promise<number> {
  process.stdout.on('error', () => undefined);
  const session = new GuardSession(options);
  if (options.locks.length > 0) {
    const refused = await session.lock();
    if (refused !== undefined) {
      say(refused);
      await session.refuse(refused);
      return inUseCode;
    }
  }
  try {
    await session.begin();
  } catch (error) {
    await session.close();
    say(`${options.command} could not be started: ${error instanceof Error ? error.message : error}`);
    // As a shell says it: 127 = there is no such program.
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 127 : 126;
  }
  const { code, signal } = await session.finished;
  await session.close();
  if (signal !== null) {
    // Ends as the server ended.
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  }
  return code ?? 1;
}
