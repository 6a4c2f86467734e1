import type { Definition } from '../../model/definition.ts';
import { oneLine } from './plainText.ts';

/**
 * The file of an entry, shortened: from the name of its workspace folder on ("api/.vscode/mcp.json"), else with `~` for the home folder.
 * Accepts `/` and `\` on every system.
 */
export function sourceText(definition: Definition, home: string): string {
  const { file, folder } = definition;
  if (folder !== undefined) {
    const inside = below(file, folder);
    const name = folder.split(/[\\/]/).filter(Boolean).at(-1);
    if (inside !== undefined && name !== undefined) {
      return oneLine(`${name}/${inside.replaceAll('\\', '/')}`, 120);
    }
  }
  return pathText(file, home);
}

/** A path with `~` for the home folder. */
export function pathText(file: string, home: string): string {
  const inside = home === '' ? undefined : below(file, home);
  return oneLine(inside === undefined ? file : `~/${inside.replaceAll('\\', '/')}`, 200);
}

function below(file: string, folder: string): string | undefined {
  const base = folder.replace(/[\\/]+$/, '');
  return file.startsWith(base) && /^[\\/]/.test(file.slice(base.length)) ? file.slice(base.length + 1) : undefined;
}
