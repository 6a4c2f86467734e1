import type { Definition } from '../../model/definition.ts';
import { homePath, pathBelow } from '../../presentation/quantities.ts';
import { oneLine } from './plainText.ts';

/**
 * The file of an entry, shortened: from the name of its workspace folder on ("api/.vscode/mcp.json"), else with `~` for the home folder.
 * Accepts `/` and `\` on every system.
 */
export function sourceText(definition: Definition, home: string): string {
  const { file, folder } = definition;
  if (folder !== undefined) {
    const inside = pathBelow(file, folder);
    const name = folder.split(/[\\/]/).filter(Boolean).at(-1);
    if (inside !== undefined && name !== undefined) {
      return oneLine(`${name}/${inside}`, 120);
    }
  }
  return pathText(file, home);
}

/** A path with `~` for the home folder. */
export function pathText(file: string, home: string): string {
  return oneLine(homePath(file, home), 200);
}
