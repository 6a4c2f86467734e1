import { createHash, randomBytes } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  realpathSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { errorCode, reasonOf } from '../../base/errors.ts';
import { t } from '../../base/language/translate.ts';
import { maxConfigBytes } from '../../config/discovery/readConfigFile.ts';
import { EditRefused } from '../../config/formats/commandEdits.ts';
import { renamePatiently } from '../../storage/atomicFile.ts';
import { readBytes } from '../../storage/boundedFile.ts';

/** A configuration file as it was read, ready to be replaced. */
export interface EditableFile {
  readonly path: string;
  /** With all links resolved; this file is replaced. */
  readonly realPath: string;
  /** Without byte order mark. */
  readonly text: string;
  readonly bytes: Buffer;
  /** SHA-256 of the bytes, hexadecimal. */
  readonly fingerprint: string;
}

/** @throws EditRefused when the file must not be replaced, with the reason */
export function readEditable(path: string): EditableFile {
  const realPath = refusing(path, () => realpathSync(path));
  const info = refusing(path, () => statSync(realPath));
  checkPlain(path, info);
  const read = readBytes(realPath, maxConfigBytes, constants.O_NOFOLLOW ?? 0);
  if (read.status !== 'ok') {
    throw new EditRefused(t('{0} cannot be changed: {1}.', path, read.reason));
  }
  const { bytes } = read;
  const { text, encode } = encodingOf(path, bytes);
  if (!encode(text).equals(bytes)) {
    throw new EditRefused(t('{0} is not valid UTF-8 throughout; it is not changed.', path));
  }
  return { path, realPath, text, bytes, fingerprint: fingerprintOf(bytes) };
}

/** @throws EditRefused when this user may not replace the file, or replacing it would lose its owner or its other links */
export function checkReplaceable({ path, realPath }: Pick<EditableFile, 'path' | 'realPath'>): void {
  const info = refusing(path, () => statSync(realPath));
  const uid = process.getuid?.();
  if ((info.mode & 0o222) === 0) {
    throw new EditRefused(t('{0} is read-only. It may be managed by a package manager or an administrator: change it there.', path));
  }
  if (uid !== undefined && uid !== 0 && info.uid !== uid) {
    throw new EditRefused(t('{0} belongs to another user; it is not changed.', path));
  }
  if (info.nlink > 1) {
    throw new EditRefused(
      t('{0} is one of {1} hard links to a file; replacing it would separate them, so it is not changed.', path, info.nlink),
    );
  }
  refusing(path, () => accessSync(realPath, constants.W_OK));
  refusing(path, () => accessSync(dirname(realPath), constants.W_OK));
}

/**
 * Replaces the file atomically: readers see the old text or the new one. Mode, owner, encoding and byte order mark stay, and links still lead to it.
 * @throws EditRefused when the file is no longer the one that was read; what the system throws when it cannot be written
 */
export function replaceText(file: EditableFile, text: string): void {
  checkReplaceable(file);
  // The owner, who gets the new file, is the one of this content: where others may write in the folder, they may lead the path to files of another owner.
  const info = unchanged(file);
  const temporary = `${file.realPath}.${randomBytes(6).toString('hex')}.tmp`;
  const descriptor = openSync(temporary, 'wx', 0o600);
  try {
    try {
      const bytes = encodingOf(file.path, file.bytes).encode(text);
      for (let written = 0; written < bytes.length; ) {
        written += writeSync(descriptor, bytes, written);
      }
      if (process.platform !== 'win32') {
        const made = fstatSync(descriptor);
        if (made.uid !== info.uid || made.gid !== info.gid) {
          fchownSync(descriptor, info.uid, info.gid);
        }
        fchmodSync(descriptor, info.mode & 0o7777);
      }
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    // Checked as late as possible: what another program writes between this check and the rename is lost.
    unchanged(file);
    renamePatiently(temporary, file.realPath);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function encodingOf(path: string, bytes: Buffer): { readonly text: string; encode(text: string): Buffer } {
  const wide = bytes[0] === 0xff && bytes[1] === 0xfe;
  const text = bytes.toString(wide ? 'utf16le' : 'utf8');
  const mark = text.charCodeAt(0) === 0xfeff ? '\ufeff' : '';
  if (text.includes('\0')) {
    throw new EditRefused(t('{0} contains binary data; it is not changed.', path));
  }
  return { text: text.slice(mark.length), encode: (changed) => Buffer.from(mark + changed, wide ? 'utf16le' : 'utf8') };
}

function checkPlain(path: string, info: Stats): void {
  if (!info.isFile() || info.size > maxConfigBytes) {
    throw new EditRefused(t('{0} is not a regular file, or too large to be changed.', path));
  }
}

/** The file that still has the content that was read. @throws EditRefused when it was changed, replaced or removed since */
function unchanged({ path, realPath, fingerprint }: EditableFile): Stats {
  const read =
    refusing(path, () => realpathSync(path)) === realPath ? readBytes(realPath, maxConfigBytes, constants.O_NOFOLLOW ?? 0) : undefined;
  if (read?.status !== 'ok' || fingerprintOf(read.bytes) !== fingerprint) {
    throw new EditRefused(t('{0} has changed since it was read; nothing was written. Try again.', path));
  }
  return read.stat;
}

function fingerprintOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** @throws EditRefused instead of the system's error */
function refusing<T>(path: string, access: () => T): T {
  try {
    return access();
  } catch (error) {
    const code = errorCode(error) ?? reasonOf(error);
    const why =
      code === 'ENOENT'
        ? t('no longer exists')
        : code === 'EACCES' || code === 'EPERM'
          ? t('cannot be changed with your permissions')
          : t('cannot be changed ({0})', code);
    throw new EditRefused(`${path} ${why}.`);
  }
}
