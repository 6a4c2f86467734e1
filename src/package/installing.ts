import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { statPath } from '../storage/boundedFile.ts';

/** An installer that was killed leaves its half-removed directories for ever; older than this they say nothing. */
const installerMs = 120_000;

/**
 * Whether an installer is at work: npm keeps what it replaces as `.name-XXXXXXXX` (its own rule for retired directories), pip as `~ame`, until it has finished.
 * Between the two moments nothing may change for seconds, while it downloads.
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
