import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { statPath } from '../storage/boundedFile.ts';

/** A killed installer leaves its half-removed directories behind. Older ones than this say nothing. In milliseconds. */
const installerMs = 120_000;

/**
 * Whether an installer is running: until it has finished, npm keeps replaced directories as `.name-XXXXXXXX`, and pip as `~ame`. In between no file may change
 * for seconds, while it downloads.
 *
 * @param retired absolute paths of directories with such names
 * @param now epoch milliseconds
 */
export function isInstalling(retired: readonly string[], now: number): boolean {
  return retired.some((path) => {
    const seen = statPath(path);
    return seen.status === 'ok' && seen.stat.isDirectory() && Math.abs(now - seen.stat.ctimeMs) < installerMs;
  });
}

/** The directories that npm has retired in a `node_modules` or scope directory. */
export function npmRetired(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => /^\.[^.].*-[A-Za-z0-9]{8}$/.test(name))
      .map((name) => join(directory, name));
  } catch {
    return [];
  }
}
