import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { projectRoot } from '../system/projectPaths.ts';

/**
 * The files that are packaged, by `.vscodeignore`: paths from the project, with `/`. vsce lists the same (a test compares), but takes two seconds of
 * processor time, because it also reads every folder that is not packaged.
 */
export function packagedFiles(): string[] {
  return readFileSync(join(projectRoot, '.vscodeignore'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .flatMap((line) => filesOf(line.slice(1)))
    .sort();
}

/** The files of a pattern: a path or `FOLDER/*.EXTENSION`. */
function filesOf(pattern: string): string[] {
  if (!pattern.includes('*')) {
    return statSync(join(projectRoot, pattern), { throwIfNoEntry: false }) ? [pattern] : [];
  }
  const folder = dirname(pattern);
  return readdirSync(join(projectRoot, folder), { withFileTypes: true })
    .filter((entry) => entry.isFile() && extname(entry.name) === extname(pattern))
    .map((entry) => `${folder}/${entry.name}`);
}
