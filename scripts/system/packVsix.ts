import { join } from 'node:path';
import type { IPackageOptions } from '@vscode/vsce';
import { readManifest } from '../editor/stageExtension.ts';
import { projectRoot } from './projectPaths.ts';

/** The step of `vsce package` that follows the `vscode:prepublish` script. vsce does not export it. */
type Pack = (options: IPackageOptions) => Promise<unknown>;

/**
 * Makes the VSIX from the bundles that are in `dist/` already, with the options of the manifest. vsce's list of files is not printed.
 *
 * @param folder the project, or a copy of its files: vsce also reads every folder that is not packaged, which takes seconds where editors are installed
 */
export async function packVsix(packagePath: string, folder: string = projectRoot): Promise<void> {
  const { pack }: { pack: Pack } = await import(join(projectRoot, 'node_modules', '@vscode', 'vsce', 'out', 'package.js'));
  const { log } = console;
  console.log = () => undefined;
  try {
    await pack({ cwd: folder, packagePath, ...readManifest().vsce });
  } finally {
    console.log = log;
  }
}
