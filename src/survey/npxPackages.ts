import { join } from 'node:path';
import { readBounded } from '../package/boundedFile.ts';
import type { ProcessRow } from '../types/process.ts';

/**
 * The package specs that npm's `_npx/HASH` directory was made for, from the `package.json` that npm keeps there (`_npx.packages`), so that a server
 * leads back to its entry when the launcher's title is gone.
 *
 * @param hash as found in the process's own command line
 */
export async function readNpxPackages(hash: string, row: ProcessRow): Promise<readonly string[] | undefined> {
  const word = row.argv.find((one) => one.includes(`_npx/${hash}/`) || one.includes(`_npx\\${hash}\\`));
  if (word === undefined) {
    return undefined;
  }
  const read = readBounded(join(word.slice(0, word.indexOf(hash) + hash.length), 'package.json'));
  if (read.status !== 'ok') {
    return undefined;
  }
  try {
    const manifest: { _npx?: { packages?: unknown } } | null = JSON.parse(read.text);
    const packages = manifest?._npx?.packages;
    return Array.isArray(packages) ? packages.filter((one) => typeof one === 'string') : undefined;
  } catch {
    return undefined;
  }
}
