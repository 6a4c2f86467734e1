import type { DeletedCode, MappedPiece } from '../types/process.ts';

/** A process maps some hundred files; what is larger is cut. */
export const mapsLimit = 8 * 1024 * 1024;

const line = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) \S+ \d+ +(\/.*) \(deleted\)$/;
/** Shared libraries and extensions. Memory files, JIT code and the like are always "deleted" and have other names. */
const nativeName = /\.(so(\.[\w.]+)?|node|pyd|dylib)$/;

const anyFile = /^[0-9a-f]+-[0-9a-f]+ \S{4} [0-9a-f]+ \S+ \d+ +(\/.*)$/;

/** Finds in `/proc/PID/maps` the native code whose file is still under its name, each once. @param text as read */
export function livingCode(text: string): string[] {
  const paths = new Set<string>();
  for (const one of text.split('\n')) {
    const path = anyFile.exec(one)?.[1];
    if (path !== undefined && nativeName.test(path)) {
      paths.add(path);
    }
  }
  return [...paths];
}

/** Finds in `/proc/PID/maps` the native code whose file is not under its name any more. @param text as read */
export function deletedCode(text: string): DeletedCode[] {
  if (!text.includes(' (deleted)')) {
    return [];
  }
  const files = new Map<string, MappedPiece[]>();
  for (const match of text.split('\n').map((one) => line.exec(one))) {
    const path = match?.[5];
    if (!match || path === undefined || !nativeName.test(path)) {
      continue;
    }
    const piece: MappedPiece = {
      executable: match[3]?.[2] === 'x',
      offset: Number.parseInt(match[4] ?? '', 16),
      length: Number.parseInt(match[2] ?? '', 16) - Number.parseInt(match[1] ?? '', 16),
    };
    files.set(path, [...(files.get(path) ?? []), piece]);
  }
  return [...files].map(([path, pieces]) => ({ path, pieces }));
}
