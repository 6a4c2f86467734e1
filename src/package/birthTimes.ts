import { type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { statPath } from '../storage/boundedFile.ts';

/**
 * Tells when a directory was created. Systems without birth times give 0, or the change time instead. Real birth times can equal the change time too, when both
 * fall into one tick of the kernel's clock. Then the directories above decide: one with two different times on the same device shows that birth times are real.
 *
 * On Windows a directory that takes the name of one deleted within 15 s inherits its creation time (tunnelling): evidence may be missed there, never invented.
 */
export class BirthTimes {
  readonly #real = new Map<number, boolean>();

  /** Epoch ms; undefined where the file system has no birth times. @param path absolute, the path of `stat` */
  of(path: string, stat: Stats): number | undefined {
    if (stat.birthtimeMs <= 0) {
      return undefined;
    }
    return stat.birthtimeMs !== stat.ctimeMs || this.#areReal(path, stat.dev) ? stat.birthtimeMs : undefined;
  }

  #areReal(path: string, device: number): boolean {
    const known = this.#real.get(device);
    if (known !== undefined) {
      return known;
    }
    let real = false;
    for (let at = dirname(path); !real && at !== dirname(at); at = dirname(at)) {
      const seen = statPath(at);
      real = seen.status === 'ok' && seen.stat.dev === device && seen.stat.birthtimeMs > 0 && seen.stat.birthtimeMs !== seen.stat.ctimeMs;
    }
    this.#real.set(device, real);
    return real;
  }
}

/**
 * When a directory was installed, epoch ms: its birth time, or the modification time where that is older, as in a copy that kept its times (`cp -a`, a backup).
 * The latter on Linux only: elsewhere installers clone directories with their times.
 */
export function installedSince(born: number | undefined, stat: Stats): number | undefined {
  return born !== undefined && process.platform === 'linux' ? Math.min(born, stat.mtimeMs) : born;
}

/**
 * The latest moment at which a path can have been removed, epoch ms: the change time of the nearest existing directory above. Later changes there only make the
 * answer later. Undefined when no directory can be read. Never throws.
 */
export function latestRemovalTime(path: string): number | undefined {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    try {
      return statSync(folder).ctimeMs;
    } catch {
      if (folder === dirname(folder)) {
        return undefined;
      }
    }
  }
}
