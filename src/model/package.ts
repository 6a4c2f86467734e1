export type Ecosystem = 'npm' | 'python';

/** One installed package as its metadata says now. */
export interface InstalledPackage {
  readonly ecosystem: Ecosystem;
  readonly name: string;
  /** As the package's metadata name it; undefined when that is not shaped like a version. */
  readonly version?: string;
  /** Directory (npm) or dist-info directory (Python) it was read from, absolute. */
  readonly root: string;
  /**
   * Hash of a server's own npm package's code; otherwise, and where that cannot be read, of what the installer recorded (RECORD lines, lock integrity).
   * Hashes of different kinds (the part before the first `-`) cannot be compared.
   */
  readonly content?: string;
  /** Of a dependency: hash of its files that the code of the server's own package imports. */
  readonly code?: string;
  /** When it was installed, epoch ms, by the one time that a touch, a chmod or a hard link does not change. Undefined when the file system has no such time. */
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
  /** Python: directories with installed packages that are searched before those of the environment (PYTHONPATH). */
  readonly paths?: readonly string[];
  /** Optional features (Python extras). */
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
      /** Set when only the own package could be read: the reason. */
      readonly ownOnly?: string;
      /** Newest moment at which anything that was read changed, epoch ms (directories and metadata): an environment younger than 500 ms is not judged. */
      readonly changedAt: number;
      /** Directories whose entries change when a package of the closure is replaced; few. */
      readonly watch: readonly string[];
      /**
       * Directories in which the packages were found, before links were followed, the directories with the code of the own package, and links to other
       * links. More than `watch` where packages lie in a linked store, or where the code of the own package is compared.
       */
      readonly places?: readonly string[];
      /** Files on which the content of the own package rests, and those that it imports from others. */
      readonly code?: readonly string[];
    }
  /** The environment or the package directory does not exist. */
  | { readonly status: 'gone'; readonly reason: string; readonly watch: readonly string[] }
  /** Something exists and cannot be read or understood: no verdict. */
  | { readonly status: 'unreadable'; readonly reason: string; readonly watch: readonly string[] };

/** How one package changed between the start of the process and now. */
export interface PackageChange {
  readonly name: string;
  /** Undefined: not installed then, or the version cannot be read. */
  readonly running?: string;
  /** Undefined: no longer installed, or the version cannot be read. */
  readonly installed?: string;
  readonly direction: 'upgrade' | 'downgrade' | 'changed' | 'removed' | 'content';
  /** Of `content`: files were edited or removed, and nothing was installed. */
  readonly inPlace?: true;
}

/** No server requires this many. Of a larger closure only the own package is compared. */
export const maxPackages = 2_000;

export type ClosureParts = Extract<ClosureReading, { status: 'ok' }>;

/** The result of the reader of one ecosystem. `readClosure` adds the directories to watch when the package is gone. */
export type PartsOrFailure = ClosureParts | { readonly status: 'gone' | 'unreadable'; readonly reason: string };
