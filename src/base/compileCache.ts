import { existsSync } from 'node:fs';
import nodeModule from 'node:module';
import { dirname, join } from 'node:path';

/** Name of the folder beside a program in which Node.js keeps what it compiled of it. Whoever makes it answers for it: it has to be as private as the program. */
export const compileFolder = 'compiled';

/**
 * Lets Node.js take from that folder what it compiled at an earlier start, and put there at its end what is new (`module.enableCompileCache`, Node.js 22.1):
 * a guard starts 10 ms sooner (measured, Node.js 24). Nothing happens where there is no folder or no such function, and in an editor's program, with which
 * nobody tried it. To be called before the rest of the program is loaded.
 * @param program path of the file that was started
 */
export function useCompileCache(program: string): void {
  const folder = join(dirname(program), compileFolder);
  // Not in the types of the oldest Node.js that we support.
  const enable = 'enableCompileCache' in nodeModule ? nodeModule.enableCompileCache : undefined;
  if (typeof enable === 'function' && process.versions.electron === undefined && existsSync(folder)) {
    enable(folder);
  }
}
