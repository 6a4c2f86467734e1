import { reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { createRedactor } from '../../redaction/redactor.ts';
import { runDirOf } from '../../storage/runFolder.ts';
import { httpHelp } from '../options/httpHelp.ts';
import { parseHttpOptions } from '../options/httpOptions.ts';
import { startHttpGuard } from './httpGuard.ts';

/**
 * Runs `mcp-shepherd guard --http`. @param argv the words after `guard`
 * @returns the exit code, when the guard has ended
 */
export async function runHttpGuard(argv: readonly string[]): Promise<number> {
  const say = (message: string): void => {
    process.stderr.write(`mcp-shepherd guard: ${message}\n`);
  };
  const parsed = parseHttpOptions(argv);
  if (parsed.status === 'help') {
    process.stdout.write(httpHelp);
    return 0;
  }
  if (parsed.status === 'wrong') {
    say(`${parsed.message}. "mcp-shepherd guard --http --help" says more.`);
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
