import { realpathSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { openssl } from '../base/random.ts';
import { userHome } from '../storage/runFolder.ts';

export type ResourceKind = 'path' | 'port' | 'name';

/** A resource that only one server may use at a time, as the protocol names it. */
export interface ResourceKey {
  /** 32 hex digits: the name of the lock file. */
  readonly key: string;
  readonly kind: ResourceKind;
  /** The normalised name. */
  readonly resource: string;
  /** Device and inode of an existing path, in decimal: they reveal the same directory under another name. */
  readonly dev?: string;
  readonly ino?: string;
}

/** First 32 hex digits of SHA-256 over `ilp1`, the kind and the normalised name, each on a line of its own (no line break at the end). */
export function hashKey(kind: ResourceKind, normalised: string): string {
  return openssl().createHash('sha256').update(`ilp1\n${kind}\n${normalised}`, 'utf8').digest('hex').slice(0, 32);
}

/** @param resource a path, a TCP port number, or a name that the user chose @throws when it is not a resource of that kind */
export function resourceKey(kind: ResourceKind, resource: string, platform: NodeJS.Platform = process.platform): ResourceKey {
  const named = namedResource(kind, resource, platform);
  return { key: hashKey(kind, named.resource), ...named };
}

/** The same without the key. @throws when it is not a resource of that kind */
export function namedResource(
  kind: ResourceKind,
  resource: string,
  platform: NodeJS.Platform = process.platform,
): Omit<ResourceKey, 'key'> {
  if (kind === 'port') {
    const port = /^(?:tcp:)?(\d{1,5})$/.exec(resource)?.[1];
    if (port === undefined || Number(port) < 1 || Number(port) > 65_535) {
      throw new Error(`"${resource}" is not a TCP port: use a number from 1 to 65535`);
    }
    return { kind, resource: `tcp:${Number(port)}` };
  }
  if (kind === 'name') {
    if (!/^[a-z0-9._:-]{1,64}$/.test(resource)) {
      throw new Error(`"${resource}" is not a name: use 1 to 64 of a-z, 0-9, ".", "_", ":" and "-"`);
    }
    return { kind, resource };
  }
  if (resource === '' || resource.includes('\0')) {
    throw new Error('A path is empty or contains a NUL');
  }
  const real = realPath(expandHome(resource));
  if (/\p{Cc}/u.test(real) || real.length > 4_096) {
    throw new Error('A path contains a line break or control character, or is longer than 4,096');
  }
  return { kind, resource: foldPath(real, platform), ...identityOf(real) };
}

function expandHome(path: string): string {
  const rest = /^~(?:[\\/](.*))?$/s.exec(path);
  if (!rest) {
    // Not `resolve`: it would remove `..` before links are followed.
    return isAbsolute(path) ? path : `${process.cwd()}/${path}`;
  }
  return `${userHome()}/${rest[1] ?? ''}`;
}

/**
 * The real path of the longest existing ancestor, and the rest as written. The system resolves `..` in the existing part (after links); in the rest it is
 * resolved as text.
 */
function realPath(path: string): string {
  const rest: string[] = [];
  for (let head = path; ; head = dirname(head)) {
    try {
      return join(realpathSync.native(head), ...rest);
    } catch (error) {
      if (dirname(head) === head) {
        throw error;
      }
      rest.unshift(basename(head));
    }
  }
}

/** Normalises a real path by the rules of a system; reads no file. */
export function foldPath(path: string, platform: NodeJS.Platform): string {
  let text = path;
  if (platform === 'win32') {
    text = text
      .replaceAll('/', '\\')
      .replace(/^\\\\\?\\UNC\\/i, '\\\\')
      .replace(/^\\\\\?\\/, '');
  }
  if (platform === 'win32' || platform === 'darwin') {
    // ASCII only: case folding of other letters differs between languages and versions.
    text = text.normalize('NFC').replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  }
  if (platform === 'win32') {
    return text.replace(/^[a-z]:/, (drive) => drive.toUpperCase()).replace(/(?<!:)\\+$/, '');
  }
  return text.replace(/(?<=.)\/+$/, '');
}

function identityOf(path: string): { dev: string; ino: string } | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return { dev: String(dev), ino: String(ino) };
  } catch {
    return undefined;
  }
}
