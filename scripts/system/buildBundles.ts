import { stop } from 'esbuild';
import { buildAll } from '../../esbuild.ts';

/**
 * Builds dist/ with the project's settings; esbuild prints the errors.
 *
 * @throws Error when a bundle cannot be built
 */
export async function buildBundles(): Promise<void> {
  try {
    await buildAll();
  } catch (error) {
    throw new Error('The build failed.', { cause: error });
  } finally {
    await stop(); // otherwise its service process remains
  }
}
