import { join } from 'node:path';
import { isRecord } from '../../base/json.ts';
import type { ProcessRow } from '../../model/process.ts';
import { readJsonObject } from '../../storage/boundedFile.ts';

/**
 * The package specs of npm's `_npx/HASH` directory, from the `package.json` that npm writes there (`_npx.packages`), so that a server is matched with its entry when
 * the launcher is gone.
 *
 * @param hash from the process's command line
 */
export async function readNpxPackages(hash: string, row: ProcessRow): Promise<readonly string[] | undefined> {
  const word = row.argv.find((one) => one.includes(`_npx/${hash}/`) || one.includes(`_npx\\${hash}\\`));
  return word === undefined
    ? undefined
    : npxPackagesIn(readJsonObject(join(word.slice(0, word.indexOf(hash) + hash.length), 'package.json')));
}

/** The requested specs in such a package.json. */
export function npxPackagesIn(manifest: Record<string, unknown> | undefined): readonly string[] | undefined {
  const packages = isRecord(manifest?._npx) ? manifest._npx.packages : undefined;
  return Array.isArray(packages) ? packages.filter((one) => typeof one === 'string') : undefined;
}
