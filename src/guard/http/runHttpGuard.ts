import { reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { describeProblem } from '../../base/optionHelp.ts';
import { createRedactor } from '../../redaction/redactor.ts';
import { runDirOf } from '../../storage/runFolder.ts';
import { say } from '../message/ownAnswers.ts';
import { httpGuardHelp } from '../options/httpHelp.ts';
import { httpOptionTable, parseHttpOptions } from '../options/httpOptions.ts';
import { startHttpGuard } from './httpGuard.ts';

/**
 * Runs `mcp-shepherd guard --http`. @param argv the words after `guard`
 * @returns the exit code, when the guard has ended
 */
export async function runHttpGuard(argv: readonly string[]): Promise<number> {
  const parsed = parseHttpOptions(argv);
  if (parsed.status === 'help') {
    process.stdout.write(httpGuardHelp(process.stdout.columns ?? Number.POSITIVE_INFINITY));
    return 0;
  }
  if (parsed.status === 'wrong') {
    say(describeProblem(parsed.problem, httpOptionTable));
    process.stderr.write('See "mcp-shepherd guard --http --help".\n');
    return 2;
  }
  const { options } = parsed;
  try {
    runDirOf(process.env, options.runDir);
  } catch (error) {
    say(reasonOf(error));
    return 2;
  }
  process.stderr.on('error', () => undefined);
  const redactor = createRedactor([]);
  const line = (message: string): void => say(redactor.text(message));
  const log: Log = { debug() {}, info: line, warn: line, error: line };
  const result = await startHttpGuard(options, log);
  if (result.status === 'failed') {
    line(result.message);
    return result.exitCode;
  }
  const { guard } = result;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => void guard.close());
  }
  process.on('SIGUSR2', () => {
    guard.restart('requested by SIGUSR2').catch((error: unknown) => line(reasonOf(error)));
  });
  line(`listening on ${guard.url.origin}, in front of ${options.upstream?.origin ?? options.command}`);
  await guard.closed;
  return 0;
}
