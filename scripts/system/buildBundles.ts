import { build, stop } from 'esbuild';
import { bundles } from '../../esbuild.ts';
import { projectRoot } from './projectPaths.ts';

/**
 * Builds dist/ with the project's own settings; esbuild prints what is wrong.
 *
 * @throws Error when a bundle cannot be built
 */
export async function buildBundles(): Promise<void> {
  try {
    await Promise.all(Object.values(bundles).map((options) => build({ ...options, absWorkingDir: projectRoot })));
  } catch (error) {
    throw new Error('The build failed.', { cause: error });
  } finally {
    await stop(); // else its service process stays as long as we do
  }
}
