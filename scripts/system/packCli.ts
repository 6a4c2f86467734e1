import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { packagedFiles } from '../editor/packagedFiles.ts';
import { readManifestTexts, withTexts } from './manifestTexts.ts';
import { npm } from './npm.ts';
import { projectRoot } from './projectPaths.ts';

/** The fields of the project's manifest that the command line's own package has too. `private`: npm refuses to publish it. */
const fields = ['name', 'version', 'description', 'license', 'private', 'keywords', 'bin'] as const;

/** Files of the VSIX that belong to the editor alone. */
const editorOnly = /^(?:package(?:\.nls)?\.json|media\/.*|dist\/(?:extension\.cjs|README\.md))$/;

/**
 * Makes the npm package of the command line from the bundles that are in `dist/` already: the same files as in the VSIX, without those of the editor,
 * and the schemas, which programs that read its output or its records may use.
 * @param folder gets the tarball @returns its path
 */
export async function packCli(folder: string): Promise<string> {
  const manifest: Record<string, unknown> = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'));
  const making = mkdtempSync(join(tmpdir(), 'pack-cli-'));
  try {
    for (const file of packagedFiles().filter((name) => !editorOnly.test(name))) {
      mkdirSync(dirname(join(making, file)), { recursive: true });
      cpSync(join(projectRoot, file), join(making, file));
    }
    cpSync(join(projectRoot, 'schema'), join(making, 'schema'), { recursive: true });
    // npm packs the README of the folder itself.
    cpSync(join(projectRoot, 'dist', 'README.md'), join(making, 'README.md'));
    const shared = Object.fromEntries(fields.map((name) => [name, manifest[name]]));
    const own = { ...withTexts(shared, readManifestTexts()), engines: { node: '>=20' } };
    writeFileSync(join(making, 'package.json'), `${JSON.stringify(own, undefined, 2)}\n`);
    const packed: readonly { readonly filename: string }[] = JSON.parse(
      await npm(['pack', '--json', '--ignore-scripts', '--pack-destination', folder], making),
    );
    return join(folder, packed[0]?.filename ?? '');
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}
