import { forgetEditor } from './editorAsNode.ts';
import { guardHelp } from './guardHelp.ts';
import { parseGuardOptions } from './guardOptions.ts';
import { collectGarbage } from './restMemory.ts';
import { runStdioGuard } from './stdioGuard.ts';

/**
 * The guard of one server.
 * @param words what follows `mcp-shepherd guard`
 * @returns the exit code; when the server was ended by a signal, this process ends by the same one and never returns
 */
export async function runGuard(words: readonly string[]): Promise<number> {
  forgetEditor(process.env);
  const code = await run(words);
  // A compiler thread of V8 that waits for memory waits for us to collect, and Node waits at its end for the thread (nodejs/node issue 54918).
  await collectGarbage();
  return code;
}

async function run(words: readonly string[]): Promise<number> {
  const end = words.indexOf('--');
  if (words.slice(0, end === -1 ? words.length : end).includes('--http')) {
    const { runHttpGuard } = await import('./http/httpMain.ts');
    return runHttpGuard(words);
  }
  const parsed = parseGuardOptions(words);
  switch (parsed.status) {
    case 'help':
      process.stdout.write(guardHelp);
      return 0;
    case 'wrong':
      process.stderr.write(`mcp-shepherd guard: ${parsed.message}. "mcp-shepherd guard --help" says more.\n`);
      return 2;
    case 'run':
      return runStdioGuard(parsed.options);
  }
}
