import { statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * The latest moment at which what stood at a path can have gone, epoch ms: the nearest directory above that exists changed then. Later changes there only make
 * the answer more careful. Undefined when nothing can be looked at. Never throws.
 */
export function goneBy(path: string): number | undefined {
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
