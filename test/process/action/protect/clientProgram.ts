import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installOnce } from '../../../../scripts/system/installOnce.ts';
import { npm } from '../../../../scripts/system/npm.ts';
import { cacheRoot } from '../../../../scripts/system/projectPaths.ts';

/**
 * Gets a client of npm into the cache folder (hundreds of megabytes, once).
 *
 * @param program the name of its command
 * @returns the command
 * @throws Error with npm's last lines when it cannot be had
 */
export async function clientProgram(name: string, version: string, program: string): Promise<string> {
  const folder = join(cacheRoot, `${program}-${version}`);
  await installOnce(folder, async (staging) => {
    writeFileSync(join(staging, 'package.json'), '{ "private": true }\n');
    await npm(['install', '--foreground-scripts', `${name}@${version}`], staging);
  });
  return join(folder, 'node_modules', '.bin', program);
}
