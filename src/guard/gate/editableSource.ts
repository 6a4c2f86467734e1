import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readBounded } from '../../package/boundedFile.ts';
import type { InstalledPackage, PackageRef } from '../../types/package.ts';

/** Enough for a server's source; larger trees are looked at in part. */
const maxEntries = 5_000;
const skipped = new Set(['node_modules', '__pycache__', 'venv', 'env', 'site-packages', 'test', 'tests']);

/** Where the source of an editable install lies: the project itself (npm), or what direct_url.json names (PEP 610). Undefined when nothing tells. */
export function sourceFolder(ref: PackageRef, own: InstalledPackage): string | undefined {
  if (ref.editable !== true || ref.ecosystem === 'npm') {
    return ref.editable === true ? ref.environment : undefined;
  }
  const file = readBounded(join(own.root, 'direct_url.json'), 65_536);
  try {
    const json: unknown = file.status === 'ok' ? JSON.parse(file.text) : undefined;
    const url = typeof json === 'object' && json !== null && 'url' in json ? json.url : undefined;
    return typeof url === 'string' && url.startsWith('file:') ? fileURLToPath(url) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A source file that was written after a moment, as a path below the folder; undefined when there is none. Evidence for a warning, never for more: a file may
 * have been written with the same content. Never throws.
 * @param since epoch ms
 */
export function editedSource(folder: string, ecosystem: PackageRef['ecosystem'], since: number): string | undefined {
  const source = ecosystem === 'python' ? /\.pyw?$/ : /\.[cm]?[jt]sx?$/;
  const queue = [folder];
  let seen = 0;
  for (const at of queue) {
    for (const entry of entriesOf(at)) {
      seen += 1;
      if (seen > maxEntries) {
        return undefined;
      }
      const path = join(at, entry.name);
      if (entry.isDirectory()) {
        if (!entry.name.startsWith('.') && !skipped.has(entry.name)) {
          queue.push(path);
        }
      } else if (entry.isFile() && source.test(entry.name) && modifiedAt(path) > since) {
        return relative(folder, path).replace(/\p{Cc}+/gu, ' ');
      }
    }
  }
  return undefined;
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function modifiedAt(path: string): number {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}
