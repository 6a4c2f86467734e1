import { stop } from 'esbuild';
import { buildAll } from '../../esbuild.ts';

/**
 * Builds dist/ with the project's own settings; esbuild prints what is wrong.
 *
 * @throws Error when a bundle cannot be built
 */
export async function buildBundles(): Promise<void> {
  try {
    await buildAll();
  } catch (error) {
    throw new Error('The build failed.', { cause: error });
  } finally {
    await stop(); // else its service process stays as long as we do
  }
}
