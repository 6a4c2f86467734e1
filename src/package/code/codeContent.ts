import { type Dirent, readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import { openssl } from '../../base/random.ts';
import type { MetadataCache } from '../metadataCache.ts';

/** Larger packages are not compared. */
const maxFiles = 500;
const maxBytes = 8 * 1024 * 1024;

const code = new Set(['.js', '.cjs', '.mjs', '.ts', '.cts', '.mts', '.jsx', '.tsx', '.node', '.wasm']);

interface CodeContent {
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
  if (found === undefined || found.files.length === 0) {
    return undefined;
  }
  const { files, folders } = found;
  const hash = openssl().createHash('sha256');
  let left = maxBytes;
  let changedAt = 0;
  for (const path of files) {
    const read = cache.readBytes('code', join(directory, path), maxBytes, (bytes) => ({
      hash: openssl().createHash('sha256').update(bytes).digest('hex'),
      bytes: bytes.length,
    }));
    if (read.status !== 'ok') {
      return undefined;
    }
    left -= read.value.bytes;
    changedAt = Math.max(changedAt, read.stat.ctimeMs);
    if (left < 0) {
      return undefined;
    }
    hash.update(`${path}\0${read.value.hash}\n`);
  }
  const absolute = (paths: readonly string[]): string[] => paths.map((path) => join(directory, path));
  return { content: `code-${hash.digest('hex')}`, changedAt, files: absolute(files), folders: absolute(folders) };
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
