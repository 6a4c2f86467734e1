import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { projectRoot } from '../system/projectPaths.ts';
import { packagedFiles } from './packagedFiles.ts';

/** The fields of package.json that scripts and tests read. */
type ExtensionManifest = {
  readonly name: string;
  readonly publisher: string;
  readonly version: string;
  readonly displayName?: string;
  /** Options of `vsce package`. */
  readonly vsce?: { readonly readmePath?: string };
  readonly contributes?: { readonly commands?: readonly { readonly command: string; readonly title: string }[] };
};

/** The project's own package.json. */
export function readManifest(): ExtensionManifest {
  return JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'));
}

/**
 * Copies the files that would be packaged into a folder, as an installation does. The bundles must have been built.
 *
 * @param extensionsDir the editor's folder of installed extensions
 * @returns the extension's own folder in it
 */
export function stageExtension(extensionsDir: string): string {
  const { name, publisher, version } = readManifest();
  const folder = join(extensionsDir, `${publisher}.${name}-${version}`);
  for (const file of packagedFiles()) {
    const target = join(folder, file);
    mkdirSync(dirname(target), { recursive: true });
    cpSync(join(projectRoot, file), target);
  }
  return folder;
}
