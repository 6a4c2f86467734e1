import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { reasonOf } from '../base/errors.ts';
import { keepCompiledCode } from './compiledCode.ts';
import type { Shell } from './terminal.ts';

/** Commands that are programs of their own. They are found before anything else is loaded, so that they start as fast as on their own. */
const ownPrograms: ReadonlyMap<string, (rest: readonly string[]) => Promise<number>> = new Map([['guard', guard]]);

/** Loads the guard's bundle beside this one, by its path: the two share no code. The guard may end the process itself. */
async function guard(rest: readonly string[]): Promise<number> {
  const bundle: unknown = createRequire(import.meta.url)('./guard.cjs');
  if (typeof bundle !== 'object' || bundle === null || !('startGuard' in bundle) || typeof bundle.startGuard !== 'function') {
    throw new Error('guard.cjs beside this program is not the guard: install MCP Shepherd again');
  }
  process.exit(Number(await bundle.startGuard(rest)));
}

async function main(argv: readonly string[]): Promise<number> {
  const [command, ...rest] = argv;
  const own = command === undefined ? undefined : ownPrograms.get(command);
  if (own) {
    return own(rest);
  }
  keepCompiledCode(fileURLToPath(import.meta.url), process.env);
  // Pieces of their own, loaded only here.
  const [{ runCommandLine }, { askOn, createOutput, listenForKeys }] = await Promise.all([
    import('./runCommandLine.ts'),
    import('./terminal.ts'),
  ]);
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
        // A command may ask for it several times.
        process.off(signal, end).on(signal, end);
      }
    },
    ...(process.stdin.isTTY && process.stderr.isTTY ? { ask: (question: string) => askOn(process.stdin, process.stderr, question) } : {}),
    ...(process.stdin.isTTY && process.stdout.isTTY
      ? { onKey: (listener: (key: string) => void) => listenForKeys(process.stdin, listener) }
      : {}),
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
    process.stderr.write(`mcp-shepherd: ${reasonOf(error)}\n`);
    process.exitCode = 2;
  },
);
