import { join } from 'node:path';
import type { IPackageOptions } from '@vscode/vsce';
import { readManifest } from '../editor/stageExtension.ts';
import { projectRoot } from './projectPaths.ts';

/** The step of `vsce package` that follows the `vscode:prepublish` script. vsce does not export it. */
type Pack = (options: IPackageOptions) => Promise<unknown>;

/** Makes the VSIX from the bundles that are in `dist/` already, with the options of the manifest. */
export async function packVsix(packagePath: string): Promise<void> {
  const { pack }: { pack: Pack } = await import(join(projectRoot, 'node_modules', '@vscode', 'vsce', 'out', 'package.js'));
  await pack({ cwd: projectRoot, packagePath, ...readManifest().vsce });
}
