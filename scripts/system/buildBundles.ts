import { spawnSync } from 'node:child_process';
import { projectRoot } from './projectPaths.ts';

/**
 * Builds dist/ by the project's own build script.
 *
 * @throws Error with esbuild's messages
 */
export function buildBundles(): void {
  const { status, stderr, stdout } = spawnSync(process.execPath, ['esbuild.ts'], { cwd: projectRoot, encoding: 'utf8' });
  if (status !== 0) {
    throw new Error(`The build failed:\n${stdout}${stderr}`);
  }
}
