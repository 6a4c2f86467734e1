import { homedir } from 'node:os';
import type { Shell } from './terminal.ts';

/**
 * Verbs with a program of their own: found before anything else is loaded, so that they start as fast as if they stood alone.
 * (`guard` will be the first: it starts the bundle beside this file by path, and nothing of the command line.)
 */
const ownPrograms: ReadonlyMap<string, (rest: readonly string[]) => Promise<number>> = new Map();

async function main(argv: readonly string[]): Promise<number> {
  const [verb, ...rest] = argv;
  const own = verb === undefined ? undefined : ownPrograms.get(verb);
  if (own) {
    return own(rest);
  }
  // Loaded only now: the bundle evaluates these modules at this point and not before.
  const [{ runCommandLine }, { createOutput }] = await Promise.all([import('./run.ts'), import('./terminal.ts')]);
  const ended = new AbortController();
  const end = (): void => ended.abort();
  const shell: Shell = {
    stdout: createOutput(process.stdout, end),
    stderr: createOutput(process.stderr, () => undefined),
    env: process.env,
    cwd: process.cwd(),
    home: homedir(),
    platform: process.platform,
    now: Date.now,
    ended: ended.signal,
    endOnSignals() {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
        process.on(signal, end);
      }
    },
    onResize(listener) {
      process.stdout.on('resize', listener);
      return () => process.stdout.off('resize', listener);
    },
  };
  return runCommandLine(argv, shell);
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`mcp-shepherd: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  },
);
