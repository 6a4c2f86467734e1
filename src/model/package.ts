export type Ecosystem = 'npm' | 'python';

/** One installed package as its metadata says now. */
export interface InstalledPackage {
  readonly ecosystem: Ecosystem;
  readonly name: string;
  /** As written by the package; only version-shaped text is kept, anything else is undefined. */
  readonly version?: string;
  /** Directory (npm) or dist-info directory (Python) it was read from, absolute. */
  readonly root: string;
  /**
   * Hash over what the installer recorded of the content (RECORD lines, lock integrity); of a server's own package that has no such record, over its code.
   * Hashes of different kinds (what stands before the first `-`) say nothing about each other.
   */
  readonly content?: string;
  /** When this installation came to be, epoch ms, by the one time that a touch, a chmod or a hard link does not move. Undefined when the file system tells none. */
  readonly installedAt?: number;
}

/** Which package a process was loaded from, found from its arguments, directory and environment, by reading files only. */
export interface PackageRef {
  readonly ecosystem: Ecosystem;
  /** The entry point as the process names it, absolute: what a respawn would load (a `.bin` link is not resolved). */
  readonly entry: string;
  /** The environment: the venv (Python), or the directory whose `node_modules` holds the package (npm). */
  readonly environment: string;
  /** Package name where the entry names it (Python distribution, npm package). */
  readonly name: string;
  /** Optional features that were asked for (Python extras). */
  readonly extras?: readonly string[];
  /** True when the source is used in place (editable install, a project's own directory). */
  readonly editable?: boolean;
}

/** The server's package and all packages that it requires, directly or not, as they are on disk now. */
export type ClosureReading =
  | {
      readonly status: 'ok';
      /** The server's own package first, then by name. */
      readonly packages: readonly InstalledPackage[];
      /** True when only the own package could be read; `reason` says why. */
      readonly ownOnly?: string;
      /** Newest moment at which anything that was read changed, epoch ms (directories and metadata): an environment younger than 500 ms is not judged. */
      readonly changedAt: number;
      /** Directories whose entries change when a package of the closure is replaced; few. */
      readonly watch: readonly string[];
      /**
       * Directories in which the packages were found, before links were followed, and the files that the content of the own package rests on. More than `watch`
       * where packages lie in a linked store, or where its installer records no content.
       */
      readonly places?: readonly string[];
    }
  /** The environment or the package directory does not exist. */
  | { readonly status: 'gone'; readonly reason: string; readonly watch: readonly string[] }
  /** Something is there and cannot be read or understood. Never a verdict. */
  | { readonly status: 'unreadable'; readonly reason: string; readonly watch: readonly string[] };

/** What became of one package between the process's start and now. */
export interface PackageChange {
  readonly name: string;
  /** Undefined = was not there / version not readable. */
  readonly running?: string;
  /** Undefined = no longer installed. */
  readonly installed?: string;
  readonly direction: 'upgrade' | 'downgrade' | 'changed' | 'removed' | 'content';
}
