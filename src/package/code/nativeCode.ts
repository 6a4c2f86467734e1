import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { InstalledPackage } from '../../model/package.ts';
import type { DeletedCode, MappedPiece } from '../../model/process.ts';
import { readStart, statPath } from '../../storage/boundedFile.ts';
import { normalizePythonName } from '../../version/pythonSpec.ts';

/** One loadable segment of an ELF file (PT_LOAD). */
export interface ElfSegment {
  readonly executable: boolean;
  readonly offset: number;
  /** Bytes in the file. */
  readonly length: number;
}

/** Linkers put the program headers directly behind the file header. */
const headBytes = 16_384;

/** The loadable segments of an ELF file (elf(5); little-endian, 32 and 64 bit); undefined when it is not one or cannot be read. */
function elfSegments(path: string): ElfSegment[] | undefined {
  const head = readStart(path, headBytes);
  return head && parseElf(head);
}

/** @param head the first bytes of the file */
export function parseElf(head: Buffer): ElfSegment[] | undefined {
  if (head.length < 64 || head.readUInt32BE(0) !== 0x7f454c46 || head[5] !== 1) {
    return undefined;
  }
  const wide = head[4] === 2;
  const start = wide ? Number(head.readBigUInt64LE(32)) : head.readUInt32LE(28);
  const size = head.readUInt16LE(wide ? 54 : 42);
  const count = head.readUInt16LE(wide ? 56 : 44);
  if (size < (wide ? 56 : 32) || count > 200 || start + size * count > head.length) {
    return undefined;
  }
  const segments: ElfSegment[] = [];
  for (let at = start; at < start + size * count; at += size) {
    if (head.readUInt32LE(at) === 1) {
      segments.push({
        executable: (head.readUInt32LE(at + (wide ? 4 : 24)) & 1) === 1,
        offset: wide ? Number(head.readBigUInt64LE(at + 8)) : head.readUInt32LE(at + 4),
        length: wide ? Number(head.readBigUInt64LE(at + 32)) : head.readUInt32LE(at + 16),
      });
    }
  }
  return segments;
}

/** Page sizes of Linux systems. A layout that fits with one of them counts as equal. */
const pageSizes = [4_096, 16_384, 65_536];

/**
 * Whether mapped pieces can come from a file with these segments. Compares the end of the file's mapped part and, where both sides have exactly one, the executable
 * piece; the loader splits the others when it protects them. A match does not prove that it is the same file; a mismatch proves that it is not.
 */
export function layoutFits(pieces: readonly MappedPiece[], segments: readonly ElfSegment[]): boolean {
  const end = Math.max(...pieces.map((piece) => piece.offset + piece.length));
  const code = pieces.filter((piece) => piece.executable);
  const loadable = segments.filter((segment) => segment.executable);
  return pageSizes.some((page) => {
    const up = (value: number): number => Math.ceil(value / page) * page;
    const down = (value: number): number => Math.floor(value / page) * page;
    if (Math.max(...segments.map((segment) => up(segment.offset + segment.length))) !== end) {
      return false;
    }
    const [piece] = code;
    const [segment] = loadable;
    if (!piece || !segment || code.length > 1 || loadable.length > 1) {
      return true;
    }
    return down(segment.offset) === piece.offset && up(segment.offset + segment.length) - down(segment.offset) === piece.length;
  });
}

/** Native code that a process has loaded and whose file was replaced. */
interface NativeChange {
  /** The path that it was loaded from, before an installer renamed it. */
  readonly path: string;
  /** Its package, where known. */
  readonly package?: string;
  /** `other`: the file there now has another layout, so it is another file. `alike`: it may be the same. */
  readonly now: 'other' | 'alike' | 'gone' | 'unreadable';
}

/**
 * Compares native code whose file is no longer under its name with the file that is there now. Only files in one of `roots` count: libraries of the system do not
 * belong to the server.
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
  const seen = statPath(path);
  if (seen.status !== 'ok') {
    return seen.status === 'absent' ? 'gone' : 'unreadable';
  }
  const segments = elfSegments(path);
  return segments === undefined || segments.length === 0 ? 'unreadable' : layoutFits(code.pieces, segments) ? 'alike' : 'other';
}

/**
 * Undoes an installer's rename. Installers rename a package before they delete it, and the kernel reports the deleted file under the new name: pip renames `name` to
 * `~ame` (the first letter is found by the names that exist), npm to `.name-XXXXXXXX`.
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

/** The top name below a site directory: `pydantic_core` of `…/pydantic_core/_x.so`, `_cffi` of `…/_cffi.abi3.so`. */
function topName(path: string, site: string): string {
  return (path.slice(site.length + 1).split('/')[0] ?? '').split('.')[0] ?? '';
}

function modulesOf(item: InstalledPackage): Set<string> {
  const plain = normalizePythonName(item.name).replaceAll('-', '_');
  return new Set([plain, `_${plain}`, `${plain}.libs`, basename(join(item.name))]);
}
