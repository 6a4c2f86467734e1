import { isVscode } from '../../clients/vscodeFamily.ts';
import type { RawDefinition } from '../../model/definition.ts';
import { definitionLaunches } from './launchFit.ts';
import type { MatchContext, MatchInput } from './matchInput.ts';
import { hasVariable, isAbsolutePath, isInside, pathFrom, type VariableValues, wordPattern } from './wordPattern.ts';

/** Variables that shells and package managers overwrite: their values in a definition are not compared. */
const rewritten = /^(PWD|OLDPWD|SHLVL|_|NODE|INIT_CWD|npm_.*)$/i;

/**
 * How many of the definition's variables the process has with equal values. Values are compared in memory and never shown.
 * @returns undefined when one differs or is missing: the same command with another environment is another server. An environment that cannot be read, and
 * values that the client fills in, are accepted.
 */
export function fitEnvironment(definition: RawDefinition, observed: MatchInput, context: MatchContext): number | undefined {
  const environment = observed.detail?.environment;
  const entries = Object.entries(definition.env).filter(([name]) => !rewritten.test(name));
  if (!environment) {
    return 0;
  }
  const fold = context.platform === 'win32';
  const folded = fold ? new Map([...environment].map(([name, value]) => [name.toUpperCase(), value])) : environment;
  let equal = 0;
  for (const [name, value] of entries) {
    const seen = folded.get(fold ? name.toUpperCase() : name);
    if (value === null) {
      if (seen !== undefined) {
        return undefined;
      }
    } else if (seen === undefined) {
      return undefined;
    } else if (/^path$/i.test(name)) {
      // VS Code appends, package managers prepend.
      if (!hasVariable(value) && !seen.includes(value)) {
        return undefined;
      }
    } else if (!hasVariable(value) && value !== seen) {
      return undefined;
    }
    equal++;
  }
  return equal;
}

/**
 * Whether the server runs in the folder of the definition.
 * @returns the depth of that folder; 0 where the definition names none or the server's directory is not known; undefined when it runs elsewhere
 */
export function fitFolder(definition: RawDefinition, observed: MatchInput, context: MatchContext): number | undefined {
  const cwd = observed.detail?.cwd;
  const home = context.home ?? observed.detail?.environment?.get('HOME');
  const values: VariableValues = {
    windows: context.platform === 'win32',
    ...(home === undefined ? {} : { home }),
    ...(definition.folder === undefined ? {} : { folder: definition.folder }),
  };
  const own =
    directoryOf(definition.cwd, definition.folder, values) ??
    directoryOf(definitionLaunches(definition)[0]?.cwd, definition.folder, values);
  if (cwd !== undefined && own !== undefined) {
    return isInside(cwd, own) ? depth(own) + 1 : undefined;
  }
  const folder = definition.folder;
  if (folder === undefined || cwd === undefined) {
    const client = observed.client?.folder;
    return folder !== undefined && client !== undefined && isInside(client, folder) ? depth(folder) : 0;
  }
  const fits = isInside(cwd, folder) || (observed.client?.folder !== undefined && isInside(observed.client.folder, folder));
  // A definition whose directory is filled in by the client may run anywhere.
  return fits ? depth(folder) : definition.cwd !== undefined && own === undefined ? 0 : undefined;
}

function directoryOf(cwd: string | undefined, folder: string | undefined, values: VariableValues): string | undefined {
  const pattern = cwd === undefined ? undefined : wordPattern(cwd, values);
  if (!pattern || pattern.pieces || (!isAbsolutePath(pattern.text) && folder === undefined)) {
    return undefined;
  }
  return pathFrom(folder ?? '/', pattern.text);
}

function depth(folder: string): number {
  return folder.split(/[\\/]+/).filter((part) => part !== '').length;
}

/**
 * How close a definition is to the client that started the server: 0 the client reads its file (or the client is unknown), 1 a variant of the same editor reads
 * it, 2 only other clients read it.
 */
export function clientDistance(definition: RawDefinition, client: string | undefined): number {
  if (client === undefined || definition.client === client || definition.readBy.includes(client)) {
    return 0;
  }
  return isVscode(client) && [definition.client, ...definition.readBy].some(isVscode) ? 1 : 2;
}
