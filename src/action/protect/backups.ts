import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { writeWhole } from '../../storage/atomicFile.ts';

/** Copies of one file. */
const maxCopies = 10;

/**
 * Keeps a copy of a file as it is before a change. The file may hold secrets, so only this user can read the copy. Only the ten newest copies stay.
 * @returns the copy's path
 * @throws when the copy cannot be written; the file must not be changed then
 */
export function backUp(runDir: string, realPath: string, bytes: Buffer, now: number): string {
  const folder = folderOf(runDir, realPath);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const origin = join(folder, 'path.txt');
  if (!existsSync(origin)) {
    writeWhole(origin, `${realPath}\n`);
  }
  const time = new Date(now).toISOString().replaceAll(':', '-');
  let copy = join(folder, `${time}.bak`);
  for (let count = 2; existsSync(copy); count++) {
    copy = join(folder, `${time}-${count}.bak`);
  }
  writeFileSync(copy, bytes, { mode: 0o600, flag: 'wx' });
  for (const name of copiesIn(folder).slice(maxCopies)) {
    rmSync(join(folder, name), { force: true });
  }
  return copy;
}

/** The texts of a file's copies, newest first. Copies that cannot be read are left out. */
export function* backedUpTexts(runDir: string, realPath: string): Generator<string> {
  const folder = folderOf(runDir, realPath);
  for (const name of copiesIn(folder)) {
    try {
      yield readFileSync(join(folder, name), 'utf8').replace(/^\ufeff/, '');
    } catch {
      // Another program has removed it.
    }
  }
}

function copiesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.bak'))
      .sort()
      .reverse();
  } catch {
    return [];
  }
}

function folderOf(runDir: string, realPath: string): string {
  const mark = createHash('sha256').update(realPath).digest('hex').slice(0, 8);
  return join(runDir, 'shepherd', 'backups', `${basename(realPath)}-${mark}`);
}
