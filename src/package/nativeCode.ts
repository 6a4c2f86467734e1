import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { InstalledPackage } from '../types/package.ts';
import type { DeletedCode } from '../types/process.ts';
import { normalizePythonName } from '../version/pythonSpec.ts';
import { look } from './boundedFile.ts';
import { elfSegments, layoutFits } from './elfLayout.ts';

/** What became of native code that a process has loaded and whose file was replaced. */
export interface NativeChange {
  /** Where it was loaded from, with what an installer did to the name undone. */
  readonly path: string;
  /** The package it belongs to, where that can be told. */
  readonly package?: string;
  /** `other`: the file there now has another layout, so it is another file. `alike`: it may be the same again. */
  readonly now: 'other' | 'alike' | 'gone' | 'unreadable';
}

/**
 * Compares native code whose file is not under its name any more with what is there now. Only what lies in one of `roots` counts: a library of the system
 * is not the server's.
 */
export function compareNative(
  deleted: readonly DeletedCode[],
  roots: readonly string[],
  packages: readonly InstalledPackage[],
): NativeChange[] {
  return deleted.flatMap((code) => {
    const path = originalPath(code.path);
    if (!roots.some((root) => root !== '/' && path.startsWith(`${root}/`))) {
      return [];
    }
    const owner = packageOfFile(path, packages);
    return [{ path, ...(owner === undefined ? {} : { package: owner }), now: stateOf(path, code) }];
  });
}

function stateOf(path: string, code: DeletedCode): NativeChange['now'] {
  const seen = look(path);
  if (seen.status !== 'ok') {
    return seen.status === 'absent' ? 'gone' : 'unreadable';
  }
  const segments = elfSegments(path);
  return segments === undefined || segments.length === 0 ? 'unreadable' : layoutFits(code.pieces, segments) ? 'alike' : 'other';
}

/**
 * Installers rename a package before they delete it, and the kernel then names the deleted file by the new name: pip makes `~ame` of `name` (the first
 * letter is lost and looked up among what is there), npm makes `.name-XXXXXXXX`.
 */
function originalPath(path: string): string {
  const parts = path.split('/');
  for (const [at, part] of parts.entries()) {
    const npm = parts[at - 1] === 'node_modules' || parts[at - 1]?.startsWith('@') ? /^\.(.+)-[A-Za-z0-9]{8}$/.exec(part)?.[1] : undefined;
    if (npm !== undefined) {
      parts[at] = npm;
    } else if (part.startsWith('~') && part.length > 1) {
      const folder = parts.slice(0, at).join('/');
      parts[at] = names(folder).find((name) => !name.startsWith('~') && name.slice(1) === part.slice(1)) ?? part;
    }
  }
  return parts.join('/');
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function packageOfFile(path: string, packages: readonly InstalledPackage[]): string | undefined {
  const within = packages
    .filter((item) => item.ecosystem === 'npm' && path.startsWith(`${item.root}/`))
    .sort((a, b) => b.root.length - a.root.length)[0];
  if (within) {
    return within.name;
  }
  return packages.find((item) => {
    const site = dirname(item.root);
    return item.ecosystem === 'python' && path.startsWith(`${site}/`) && modulesOf(item).has(topName(path, site));
  })?.name;
}

/** The name below a site directory: `pydantic_core` of `…/pydantic_core/_x.so`, `_cffi` of `…/_cffi.abi3.so`. */
function topName(path: string, site: string): string {
  return (path.slice(site.length + 1).split('/')[0] ?? '').split('.')[0] ?? '';
}

function modulesOf(item: InstalledPackage): Set<string> {
  const plain = normalizePythonName(item.name).replaceAll('-', '_');
  return new Set([plain, `_${plain}`, `${plain}.libs`, basename(join(item.name))]);
}
