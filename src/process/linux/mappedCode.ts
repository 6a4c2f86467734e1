import type { DeletedCode, FileNumbers, MappedPiece } from '../../model/process.ts';
import { orNothing, type ProcFs } from './procFs.ts';
import type { ProcStat } from './procStat.ts';

/** A process maps some hundred files; what is larger is cut. */
const mapsLimit = 8 * 1024 * 1024;

const line = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) \S+ \d+ +(\/.*) \(deleted\)$/;
/** Shared libraries and extensions. Memory files, JIT code and the like are always "deleted" and have other names. */
const nativeName = /\.(so(\.[\w.]+)?|node|pyd|dylib)$/;

const anyFile = /^[0-9a-f]+-[0-9a-f]+ \S{4} [0-9a-f]+ \S+ \d+ +(\/.*)$/;

/** Finds in `/proc/PID/maps` the native code whose file is still under its name, each once. @param text as read */
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

/** What a process had mapped, and under which counts of the kernel. */
interface Mapped {
  readonly start: number;
  readonly counts: string;
  readonly deleted: readonly DeletedCode[];
  /** Paths of its native code that was still under its names. */
  readonly living: readonly string[];
  /** The files that were there shortly before `maps` said that these are the mapped ones; undefined until it was read twice under the same counts. */
  readonly files?: readonly (FileNumbers | undefined)[];
}

/** An answer (none where `maps` may not be read), and whether `maps` was asked for it: then the process has to be asked for its identity afterwards. */
interface MappedAnswer {
  readonly deleted: readonly DeletedCode[];
  readonly read: boolean;
}

/** The file under a path now; asked once for all processes of one moment. */
type FileAt = (path: string) => FileNumbers | undefined;

/**
 * Remembers which native code the processes have mapped, because the kernel makes the text of `maps` anew for each reader (as dear as all else that is read of a server).
 * A process cannot map and use more without a page fault or another size of its address space; while both stay, only whether the mapped files are still under their names may
 * change, and that their numbers tell. The numbers are taken before `maps` is read the second time: what it then calls present is what they mean.
 */
export class MappedCode {
  readonly #fs: ProcFs;
  readonly #known = new Map<number, Mapped>();

  constructor(fs: ProcFs) {
    this.#fs = fs;
  }

  /**
   * Native code whose file is not under its name any more.
   * @param home `/proc/PID` @param stat taken just before @param ours its paths mean the files that we see
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

  /** Drops the processes that are gone. */
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
