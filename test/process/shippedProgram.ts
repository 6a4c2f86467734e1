import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { buildPieces } from '../../esbuild.ts';
import { keptFolder } from './package/testCache.ts';

/**
 * Puts a program as it ships into a folder. All test files of a run share one build.
 * @returns path of the program
 */
export async function shippedProgram(name: 'cli' | 'guard', folder: string): Promise<string> {
  const built = await keptFolder(`program-${name}`, async (making) => {
    for (const build of name === 'cli' ? (['core'] as const) : (['guard', 'host', 'relay'] as const)) {
      await buildPieces(build, making);
    }
  });
  cpSync(built, folder, { recursive: true });
  return join(folder, `${name}.cjs`);
}
