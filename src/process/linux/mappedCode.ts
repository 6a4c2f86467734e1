import type { DeletedCode, FileNumbers, MappedPiece } from '../../model/process.ts';
import { orNothing, type ProcFs } from './procFs.ts';
import type { ProcStat } from './procStat.ts';

/** Bytes of `maps` that are read. A process maps some hundred files, which take far less. */
const mapsLimit = 8 * 1024 * 1024;

const line = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) \S+ \d+ +(\/.*) \(deleted\)$/;
/** Shared libraries and native extensions. Memory files and JIT code are always "deleted" and have other names. */
const nativeName = /\.(so(\.[\w.]+)?|node|pyd|dylib)$/;

const anyFile = /^[0-9a-f]+-[0-9a-f]+ \S{4} [0-9a-f]+ \S+ \d+ +(\/.*)$/;

/** The native code in `/proc/PID/maps` whose file still has its name, each path once. @param text of `maps` */
function livingCode(text: string): string[] {
  const paths = new Set<string>();
  for (const one of text.split('\n')) {
    const path = anyFile.exec(one)?.[1];
    if (path !== undefined && nativeName.test(path)) {
      paths.add(path);
    }
  }
  return [...paths];
}

/** The native code in `/proc/PID/maps` whose file no longer has its name. @param text of `maps` */
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

/** The native code that a process had mapped, and the kernel's counts at that time. */
interface Mapped {
  readonly start: number;
  readonly counts: string;
  readonly deleted: readonly DeletedCode[];
  /** Paths of the native code whose files still had their names. */
  readonly living: readonly string[];
  /** The files at these paths shortly before `maps` listed them as mapped; undefined until `maps` was read twice with the same counts. */
  readonly files?: readonly (FileNumbers | undefined)[];
}

/** The deleted code (empty when `maps` may not be read). `read`: `maps` was read for it, so the caller must check the identity of the process afterwards. */
interface MappedAnswer {
  readonly deleted: readonly DeletedCode[];
  readonly read: boolean;
}

/** The file at a path now. */
type FileAt = (path: string) => FileNumbers | undefined;

/**
 * Caches the native code that processes have mapped, because the kernel generates `maps` for each read, which costs as much as all other reads for a server.
 * A process cannot map and use more code without a page fault or a change of its address space's size. While both counts stay, only the files can change, which
 * their device, inode and size show. These are read before `maps` is read for the second time, so that they belong to the files that it calls present.
 */
export class MappedCode {
  readonly #fs: ProcFs;
  readonly #known = new Map<number, Mapped>();

  constructor(fs: ProcFs) {
    this.#fs = fs;
  }

  /**
   * Native code whose file no longer has its name.
   * @param home `/proc/PID` @param stat read just before @param ours whether the paths of the process mean the same files for us
   */
  deleted(home: string, pid: number, stat: ProcStat, ours: boolean, fileAt: FileAt): MappedAnswer {
    const { startTicks: start, faults, addressBytes } = stat;
    const counts = `${faults} ${addressBytes}`;
    const last = this.#known.get(pid);
    const before = ours && last?.start === start && last.counts === counts ? last : undefined;
    const files = before?.living.map(fileAt);
    if (before?.files && files?.every((file, index) => sameFile(file, before.files?.[index]))) {
      return { deleted: before.deleted, read: false };
    }
    const maps = orNothing(() => this.#fs.read(`${home}/maps`, mapsLimit));
    if (maps === undefined) {
      this.#known.delete(pid);
      return { deleted: [], read: true };
    }
    const [deleted, living] = [deletedCode(maps.text), livingCode(maps.text)];
    const settled = before !== undefined && String(before.living) === String(living) && files?.every((file) => file !== undefined);
    if (maps.cut || Number.isNaN(faults) || Number.isNaN(addressBytes)) {
      this.#known.delete(pid);
    } else {
      this.#known.set(pid, { start, counts, deleted, living, ...(settled && files ? { files } : {}) });
    }
    return { deleted, read: true };
  }

  /** Forgets ended processes. */
  keep(isThere: (pid: number) => boolean): void {
    for (const pid of this.#known.keys()) {
      if (!isThere(pid)) {
        this.#known.delete(pid);
      }
    }
  }
}

function sameFile(one: FileNumbers | undefined, other: FileNumbers | undefined): boolean {
  return one !== undefined && other !== undefined && one.device === other.device && one.inode === other.inode && one.size === other.size;
}
