import { join } from 'node:path';
import { isRecord } from '../../base/json.ts';
import type { ProcessRow } from '../../model/process.ts';
import { readJsonObject } from '../../storage/boundedFile.ts';

/**
 * The package specs that npm's `_npx/HASH` directory was made for, from the `package.json` that npm keeps there (`_npx.packages`), so that a server
 * leads back to its entry when the launcher's title is gone.
 *
 * @param hash as found in the process's own command line
 */
export async function readNpxPackages(hash: string, row: ProcessRow): Promise<readonly string[] | undefined> {
  const word = row.argv.find((one) => one.includes(`_npx/${hash}/`) || one.includes(`_npx\\${hash}\\`));
  return word === undefined
    ? undefined
    : npxPackagesIn(readJsonObject(join(word.slice(0, word.indexOf(hash) + hash.length), 'package.json')));
}

/** The specs that such a package.json names, in the form in which they were asked for. */
export function npxPackagesIn(manifest: Record<string, unknown> | undefined): readonly string[] | undefined {
  const packages = isRecord(manifest?._npx) ? manifest._npx.packages : undefined;
  return Array.isArray(packages) ? packages.filter((one) => typeof one === 'string') : undefined;
}
