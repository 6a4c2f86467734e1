import { type Dirent, readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import { openssl } from '../../base/random.ts';
import type { MetadataCache } from '../metadataCache.ts';

/** Larger packages are not compared. */
const maxFiles = 500;
const maxBytes = 8 * 1024 * 1024;

const code = new Set(['.js', '.cjs', '.mjs', '.ts', '.cts', '.mts', '.jsx', '.tsx', '.node', '.wasm']);

/** The content of a package's code. */
export interface CodeContent {
  readonly content: string;
  /** Newest change time of the files, epoch ms; used to wait for a running install, never as evidence. */
  readonly changedAt: number;
  /** Files and directories that it depends on, absolute: while the stat of both is unchanged, so is the content. */
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

/**
 * A hash over the code in an installed package's directory: some installers record no content (pnpm, bun, Yarn, `npm install -g`), and what npm records stays when
 * a file is written in place. Data files are left out, because servers write some there (`memory.json`), and so is its own `node_modules`. Undefined when there is
 * no code, more than the limits allow, or a part that may not be read. Never throws.
 *
 * @param directory absolute
 */
export function codeContent(directory: string, cache: MetadataCache): CodeContent | undefined {
  const found = codeFiles(directory);
  const read = found && contentOfFiles(directory, found.files, cache);
  return found && read && { ...read, folders: found.folders.map((path) => join(directory, path)) };
}

/**
 * The same over a list of files; a file that does not exist counts as such. Undefined when none exists. Never throws.
 *
 * @param paths relative, in an order of their own
 */
export function contentOfFiles(
  directory: string,
  paths: readonly string[],
  cache: MetadataCache,
): Omit<CodeContent, 'folders'> | undefined {
  const lines: string[] = [];
  const files = paths.map((path) => join(directory, path));
  let left = maxBytes;
  let changedAt = 0;
  for (const [index, file] of files.entries()) {
    const read = cache.readBytes('code', file, maxBytes, sha256);
    if (read.status === 'ok') {
      left -= read.stat.size;
      changedAt = Math.max(changedAt, read.stat.ctimeMs);
    }
    if (read.status === 'unreadable' || left < 0 || files.length > maxFiles) {
      return undefined;
    }
    lines.push(`${paths[index]}\0${read.status === 'ok' ? read.value : ''}\n`);
  }
  return changedAt > 0 ? { content: `code-${sha256(lines.join(''))}`, changedAt, files } : undefined;
}

/** Hexadecimal. */
export function sha256(data: string | Buffer): string {
  return openssl().createHash('sha256').update(data).digest('hex');
}

/** The code in an installed package's directory: relative paths, sorted; undefined when there are too many or a directory cannot be listed. Links are not followed. */
export function codeFiles(directory: string): { readonly files: readonly string[]; readonly folders: readonly string[] } | undefined {
  const files: string[] = [];
  const queue = [''];
  for (let at = 0; at < queue.length; at += 1) {
    const folder = queue[at] ?? '';
    const entries = list(join(directory, folder));
    if (entries === undefined || queue.length > maxFiles) {
      return undefined;
    }
    for (const entry of entries) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        queue.push(...(entry.name === 'node_modules' ? [] : [path]));
      } else if (entry.isFile() && code.has(extname(entry.name)) && !/\.d\.[cm]?ts$/.test(entry.name)) {
        files.push(path);
      }
    }
    if (files.length > maxFiles) {
      return undefined;
    }
  }
  return { files: files.sort(), folders: queue };
}

function list(directory: string): Dirent[] | undefined {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    return undefined;
  }
}
