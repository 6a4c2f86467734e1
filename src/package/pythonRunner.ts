import { resolve } from 'node:path';
import { look } from './boundedFile.ts';

/** Commands that load the file that they are given into their own process: `fastmcp run server.py`, `mcp run server.py:app`. */
const fileRunners = new Set(['fastmcp', 'mcp']);
/** Commands that load the module that they are given: `uvicorn package.module:app`. */
const moduleRunners = new Set(['uvicorn', 'hypercorn', 'gunicorn', 'granian']);

/** What an installed command was told to load of somebody's own source. */
export type RunByCommand = { readonly file: string } | { readonly module: string };

/**
 * The source that an installed command runs in its own process. Only of commands that are known to do that: of any other a file on the command line may be
 * data. Undefined when there is none.
 *
 * @param command its name, or the module that `-m` names
 * @param words what stands after it
 * @param cwd the process's directory, where it can be read
 */
export function runByCommand(command: string, words: readonly string[], cwd: string | undefined): RunByCommand | undefined {
  const name = command.split('.')[0] ?? command;
  if (fileRunners.has(name) && words[0] === 'run') {
    const files = words.slice(1).flatMap((word) => /^([^-].*\.pyw?)(?::[\w.]+)?$/.exec(word)?.[1] ?? []);
    const file = files.map((path) => (path.startsWith('/') || cwd !== undefined ? resolve(cwd ?? '/', path) : '')).find(isFile);
    return file === undefined ? undefined : { file };
  }
  if (moduleRunners.has(name)) {
    const module = words.flatMap((word) => /^([A-Za-z_]\w*(?:\.\w+)*):[A-Za-z_][\w.]*(?:\(\))?$/.exec(word)?.[1] ?? [])[0];
    return module === undefined ? undefined : { module };
  }
  return undefined;
}

function isFile(path: string): boolean {
  const seen = path === '' ? undefined : look(path);
  return seen?.status === 'ok' && seen.stat.isFile();
}
