import { existsSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import type { RawDefinition } from '../../model/definition.ts';
import type { Problem } from '../../model/problem.ts';
import type { ProcessRow } from '../../model/process.ts';
import { commandName } from '../../process/commandline/commandName.ts';
import { guardCommand } from '../../process/commandline/guardCommand.ts';
import { launcherKind } from '../../process/tree/launcherChain.ts';

/** Whether an entry starts its server through our guard. */
export function isGuarded(definition: Pick<RawDefinition, 'command' | 'args'>): boolean {
  return definition.command !== undefined && guardCommand([definition.command, ...definition.args]) !== undefined;
}

/** Problems for entries whose launcher does not exist: their clients cannot start them. */
export function missingLaunchers(definitions: readonly RawDefinition[], exists: (path: string) => boolean = existsSync): Problem[] {
  return definitions.flatMap((definition): Problem[] => {
    const { command = '', name, file, line } = definition;
    if (!isGuarded(definition) || !isAbsolute(command) || commandName(command) !== 'mcp-shepherd' || exists(command)) {
      return [];
    }
    const message = `${name} starts through ${command}, which does not exist, so its client cannot start it. “mcp-shepherd protect ${name}” restores the launcher; “mcp-shepherd unprotect ${name}” removes it from the entry.`;
    return [{ source: 'config', message, file, line }];
  });
}

/** Whether our guard is one of a server's launchers. */
export function runsGuarded(launchers: readonly ProcessRow[]): boolean {
  return launchers.some((row) => launcherKind(row) === 'mcp-shepherd guard');
}
