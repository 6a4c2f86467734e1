import { relayRunDir } from './hostFolder.ts';
import { RelaySession } from './relaySession.ts';

/** With these, a guard serves its client alone. */
const aloneOptions = ['--alone', '--lock', '--http', '--help', '-h'];

/**
 * Passes the lines of a client to the host, and what the host answers to the client and to the server, which is a child of this process.
 * @param args the words after `guard` @param node what runs a host @param file `guard.cjs`
 * @returns the exit code; when a signal ended the server, the same signal ends this process. Undefined: a guard has to serve the client; nothing of it was read
 */
export async function runRelay(args: readonly string[], node: string, file: string): Promise<number | undefined> {
  const dashes = args.indexOf('--');
  const options = args.slice(0, Math.max(dashes, 0));
  const alone = !options.includes('--relay') || process.platform === 'win32' || process.env.MCP_SHEPHERD_ELECTRON === '1';
  const isAlone = alone || options.some((word) => aloneOptions.includes(word.split('=')[0] ?? ''));
  const runDir = isAlone ? undefined : relayRunDir(options, process.env);
  const end = runDir === undefined ? undefined : await new RelaySession(args, args.slice(dashes + 1), { node, file, runDir }).run();
  const [kind, value = ''] = end?.split(' ') ?? [];
  if (kind === 'signal') {
    process.removeAllListeners(value);
    process.kill(process.pid, value);
  }
  return kind === 'code' ? Number(value) : undefined;
}
