import { join } from 'node:path';
import type { IPackageOptions } from '@vscode/vsce';
import { readManifest } from '../editor/stageExtension.ts';
import { projectRoot } from './projectPaths.ts';

/** The step of `vsce package` that follows the `vscode:prepublish` script. vsce does not export it. */
type Pack = (options: IPackageOptions) => Promise<unknown>;

/** Makes the VSIX from the bundles that are in `dist/` already, with the options of the manifest. vsce's list of files is not printed. */
export async function packVsix(packagePath: string): Promise<void> {
  const { pack }: { pack: Pack } = await import(join(projectRoot, 'node_modules', '@vscode', 'vsce', 'out', 'package.js'));
  const printed = Object.getOwnPropertyDescriptor(console, 'log');
  Object.defineProperty(console, 'log', { ...printed, value: () => undefined });
  try {
    await pack({ cwd: projectRoot, packagePath, ...readManifest().vsce });
  } finally {
    Object.defineProperty(console, 'log', { ...printed });
  }
}
