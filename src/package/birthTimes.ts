import { type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { statPath } from '../storage/boundedFile.ts';

/**
 * Tells when a directory came into being. Systems without birth times give 0, or the change time instead. Equal to the change time also happens
 * where they are real, to what was written within one tick of the kernel's clock; then the directories above decide: one that has two
 * different times on the same device shows that birth times are real there.
 *
 * On Windows a directory that takes a deleted one's name within 15 s inherits its creation time (tunnelling): evidence may be missed there, never invented.
 */
export class BirthTimes {
  readonly #real = new Map<number, boolean>();

  /** Epoch ms; undefined where the file system does not tell. @param path absolute, what `stat` is of */
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
 * When a directory was installed, epoch ms: its birth; but what was put there by copying it with its times (`cp -a`, a backup, another disk) has a younger birth
 * than its newest entry. Linux only: elsewhere installers clone directories with their times.
 */
export function installedSince(born: number | undefined, stat: Stats): number | undefined {
  return born !== undefined && process.platform === 'linux' ? Math.min(born, stat.mtimeMs) : born;
}

/**
 * The latest moment at which what stood at a path can have gone, epoch ms: the nearest directory above that exists changed then. Later changes there only make
 * the answer more careful. Undefined when nothing can be looked at. Never throws.
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
