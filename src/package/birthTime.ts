import type { Stats } from 'node:fs';

/**
 * When a directory or file came into being, epoch ms; undefined where the file system does not tell. Systems without birth times
 * give 0, or the change time instead. Equal to the change time also happens to a small package that was unpacked within one tick of the kernel's clock,
 * so then `neighbour` (the directory that holds it) decides: when its two times differ, and it is on the same device, birth times are real there.
 *
 * On Windows a directory that takes a deleted one's name within 15 s inherits its creation time (tunnelling): evidence may be missed there, never invented.
 */
export function birthTime(stat: Stats, neighbour: Stats | undefined): number | undefined {
  if (stat.birthtimeMs <= 0) {
    return undefined;
  }
  if (stat.birthtimeMs !== stat.ctimeMs) {
    return stat.birthtimeMs;
  }
  const real =
    neighbour !== undefined && neighbour.dev === stat.dev && neighbour.birthtimeMs > 0 && neighbour.birthtimeMs !== neighbour.ctimeMs;
  return real ? stat.birthtimeMs : undefined;
}
