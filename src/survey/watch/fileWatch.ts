import { type FSWatcher, watch as watchDirectory } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Disposable } from '../../base/disposable.ts';
import { msg, t, translated } from '../../base/language/translate.ts';
import type { Problem } from '../../model/problem.ts';
import { type DirectoryPlan, directoryIdentity, lastChange, planWatches, signatureOf } from './watchPlan.ts';

/** A path whose change matters, and what is expected there. The watch follows the kind that is found. */
export interface WatchTarget {
  readonly path: string;
  /**
   * `file`: its creation, change, deletion and replacement (also by rename) are reported. `directory`: its own creation, removal and replacement are reported,
   * and those of each of its entries; changes of the contents of its files are not.
   */
  readonly kind: 'file' | 'directory';
}

export interface FileWatch extends Disposable {
  /** Watches exactly these paths from now on. Also finds directories that were moved away from their watch without an event. */
  update(targets: readonly WatchTarget[]): void;
}

/** Changes come in bursts; a path is reported once for each burst. */
const burstMs = 20;
/** In directories that cannot be watched, the paths are compared this often (by their attributes, not their contents). */
const compareMs = 1_000;
/** A path that changed at most this long before its watch was opened is reported: the change may not have been seen. */
const recentMs = 5_000;

/** As `fs.watch`; tests replace it with one that refuses. */
export type WatchDirectory = (
  path: string,
  options: { readonly persistent: false },
  listener: (event: 'rename' | 'change', name: string | null) => void,
) => Pick<FSWatcher, 'close' | 'on'>;

/**
 * Reports within a second when one of the paths changes, appears or disappears. The nearest existing directory of each path is watched, one watch for each
 * directory, and new directories between it and the path are followed; nothing is read. Other names in those directories are ignored.
 * Where the system refuses a watch (limits, permissions), that is one problem, and the paths there are compared once a second instead.
 * The watches do not keep the process alive.
 * @param onChange gets the path as it was given
 */
export function watchFiles(
  targets: readonly WatchTarget[],
  onChange: (path: string) => void,
  onProblem: (problem: Problem) => void,
  watch: WatchDirectory = watchDirectory,
): FileWatch {
  const files = new DirectoryWatches(onChange, onProblem, watch);
  files.update(targets);
  return files;
}

interface OpenWatch {
  readonly handle: Pick<FSWatcher, 'close' | 'on'>;
  readonly identity: string;
}

class DirectoryWatches implements FileWatch {
  readonly #onChange: (path: string) => void;
  readonly #onProblem: (problem: Problem) => void;
  readonly #watch: WatchDirectory;
  /** The paths of the last update, as given. */
  #given: readonly string[] = [];
  /** Paths as given, by the absolute path. */
  readonly #targets = new Map<string, string>();
  readonly #signatures = new Map<string, string>();
  readonly #open = new Map<string, OpenWatch>();
  readonly #refused = new Set<string>();
  readonly #reported = new Set<string>();
  readonly #changed = new Set<string>();
  #plan = new Map<string, DirectoryPlan>();
  #planAgain = false;
  #burst: NodeJS.Timeout | undefined;
  #comparing: NodeJS.Timeout | undefined;
  #disposed = false;

  constructor(onChange: (path: string) => void, onProblem: (problem: Problem) => void, watch: WatchDirectory) {
    this.#onChange = onChange;
    this.#onProblem = onProblem;
    this.#watch = watch;
  }

  update(targets: readonly WatchTarget[]): void {
    if (this.#disposed) {
      return;
    }
    const [gone, added] = this.#take(targets.map(({ path }) => path));
    if (gone.length > 0 || added.length > 0 || this.#isMoved()) {
      this.#rewatch();
      const recent = Date.now() - recentMs;
      for (const path of added.filter((item) => lastChange(item) > recent)) {
        this.#report(path);
      }
    }
  }

  /** Takes over a list of paths, which is mostly that of the last update. @returns the absolute paths that are gone and those that were added */
  #take(given: readonly string[]): readonly [gone: readonly string[], added: readonly string[]] {
    if (given.length === this.#given.length && given.every((path, index) => path === this.#given[index])) {
      return [[], []];
    }
    this.#given = given;
    const wanted = new Map(given.map((path) => [resolve(path), path]));
    const gone = [...this.#targets.keys()].filter((path) => !wanted.has(path));
    const added = [...wanted.keys()].filter((path) => !this.#targets.has(path));
    for (const path of gone) {
      this.#targets.delete(path);
      this.#signatures.delete(path);
    }
    for (const path of added) {
      this.#targets.set(path, wanted.get(path) ?? path);
    }
    return [gone, added];
  }

  /** Whether a directory was moved away from its watch without an event: one above it was moved. The watch of a directory reports the moves of those in it. */
  #isMoved(): boolean {
    return [...this.#open].some(
      ([directory, { identity }]) => !this.#open.has(dirname(directory)) && directoryIdentity(directory) !== identity,
    );
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#burst);
    clearInterval(this.#comparing);
    for (const directory of [...this.#open.keys()]) {
      this.#close(directory);
    }
    this.#targets.clear();
    this.#changed.clear();
  }

  /** Opens and closes watches so that they fit the paths; reports what changed in between. */
  #rewatch(): void {
    // A directory can appear between the plan and the watch: planned again until no watch is opened.
    for (let round = 0; round < 5; round++) {
      this.#plan = planWatches(this.#targets.keys());
      if (!this.#openPlanned()) {
        break;
      }
    }
    for (const directory of this.#open.keys()) {
      if (!this.#plan.has(directory)) {
        this.#close(directory);
      }
    }
    for (const directory of this.#refused) {
      if (!this.#plan.has(directory)) {
        this.#refused.delete(directory);
      }
    }
    this.#compareWhereRefused();
    this.#compare(this.#targets.keys());
  }

  /** @returns whether a watch was opened */
  #openPlanned(): boolean {
    let opened = false;
    for (const [directory, { identity }] of this.#plan) {
      if (this.#open.get(directory)?.identity !== identity) {
        this.#close(directory);
        opened = this.#openOne(directory, identity) || opened;
      }
    }
    return opened;
  }

  #openOne(directory: string, identity: string): boolean {
    try {
      const handle = this.#watch(directory, { persistent: false }, (event, name) => this.#onEvent(directory, event, name));
      handle.on('error', () => {
        // On Windows this error means that the directory was removed.
        if (this.#open.get(directory)?.handle === handle) {
          this.#close(directory);
          this.#again();
        }
      });
      this.#open.set(directory, { handle, identity });
      this.#refused.delete(directory);
      return true;
    } catch (error) {
      this.#refuse(directory, error);
      return false;
    }
  }

  #close(directory: string): void {
    this.#open.get(directory)?.handle.close();
    this.#open.delete(directory);
  }

  #refuse(directory: string, error: unknown): void {
    const code = error instanceof Error && 'code' in error ? String(error.code) : t('unknown error');
    this.#refused.add(directory);
    // A directory that was removed between the plan and the watch is no problem: the next plan leaves it out.
    if (code !== 'ENOENT' && code !== 'ENOTDIR' && !this.#reported.has(code)) {
      this.#reported.add(code);
      const known = refusals[code];
      this.#onProblem({
        source: 'watch',
        message: `${known === undefined ? t('A directory cannot be watched ({0})', code) : translated(known)}: ${translated(instead)}`,
        file: directory,
      });
    }
  }

  #onEvent(directory: string, event: 'rename' | 'change', name: string | null): void {
    const planned = this.#plan.get(directory);
    if (this.#disposed || !planned) {
      return;
    }
    if (name === null) {
      this.#again();
      return;
    }
    const concerned = planned.names.get(name) ?? [];
    for (const path of concerned) {
      // The name may be that of a directory above the path: then the path is compared, not reported.
      if (basename(path) === name || this.#signatures.get(path) !== '') {
        this.#report(path);
      }
      if (event === 'rename') {
        this.#again();
      }
    }
    if (event === 'rename') {
      for (const path of planned.entries) {
        this.#report(path);
      }
      // The removal of the directory itself comes with its own name.
      if (name === basename(directory) || this.#open.has(join(directory, name))) {
        this.#again();
      }
    }
  }

  #again(): void {
    this.#planAgain = true;
    this.#flushSoon();
  }

  #report(path: string): void {
    this.#changed.add(path);
    this.#flushSoon();
  }

  #flushSoon(): void {
    if (!this.#disposed) {
      this.#burst ??= setTimeout(() => this.#flush(), burstMs);
    }
  }

  #flush(): void {
    this.#burst = undefined;
    if (this.#planAgain) {
      this.#planAgain = false;
      this.#rewatch();
    }
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const path of changed) {
      const given = this.#targets.get(path);
      if (given !== undefined && !this.#disposed) {
        this.#signatures.set(path, signatureOf(path));
        this.#onChange(given);
      }
    }
  }

  #compare(paths: Iterable<string>): void {
    for (const path of paths) {
      const signature = signatureOf(path);
      const before = this.#signatures.get(path);
      this.#signatures.set(path, signature);
      if (before !== undefined && before !== signature) {
        this.#report(path);
      }
    }
  }

  #compareWhereRefused(): void {
    if (this.#refused.size === 0) {
      clearInterval(this.#comparing);
      this.#comparing = undefined;
      this.#reported.clear();
      return;
    }
    this.#comparing ??= setInterval(() => {
      // Tries the refused watches again, and compares the paths.
      this.#rewatch();
    }, compareMs).unref();
  }
}

const instead = msg('changes there are checked for once a second instead.');

const refusals: Readonly<Record<string, string>> = {
  ENOSPC: msg('The system allows no more file watches (fs.inotify.max_user_watches)'),
  EMFILE: msg('The system allows no more file watches (fs.inotify.max_user_instances, or open files)'),
  ENFILE: msg('The system allows no more open files'),
  EACCES: msg('A directory cannot be watched (permission denied)'),
  EPERM: msg('A directory cannot be watched (not permitted)'),
};
