import type { MappedPiece } from '../types/process.ts';
import { readStart } from './boundedFile.ts';

/** One loadable segment of an ELF file (PT_LOAD). */
export interface ElfSegment {
  readonly executable: boolean;
  readonly offset: number;
  /** Bytes in the file. */
  readonly length: number;
}

/** Program headers stand right behind the file header in what linkers make. */
const headBytes = 16_384;

/** The loadable segments of an ELF file; undefined when it is none or cannot be read. Little-endian, 32 and 64 bit (elf(5)). */
export function elfSegments(path: string): ElfSegment[] | undefined {
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

/** Pages of the systems that we meet; a layout that fits with one of them is taken for the same. */
const pageSizes = [4_096, 16_384, 65_536];

/**
 * Whether mapped pieces can come from a file with these segments. Compared are where the file's mapped part ends and, where both sides have exactly one, the
 * executable piece: the others are split when the loader protects them. Equal does not prove that it is the same file; different proves that it is not.
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
