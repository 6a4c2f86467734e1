import { existsSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { t } from '../../base/language/translate.ts';
import type { RawDefinition } from '../../model/definition.ts';
import type { Problem } from '../../model/problem.ts';
import type { ProcessRow } from '../../model/process.ts';
import { commandName } from '../../process/commandline/commandName.ts';
import { guardCommand, isHttpGuardCommand } from '../../process/commandline/guardCommand.ts';
import { observedWords } from '../../process/commandline/parseLaunch.ts';
import { launcherKind } from '../../process/tree/launcherChain.ts';

/** Entries are not changed, and the same objects are asked about in each scan. */
const guarded = new WeakMap<Pick<RawDefinition, 'command' | 'args'>, boolean>();

/** Whether an entry starts its server through our guard. */
export function isGuarded(definition: Pick<RawDefinition, 'command' | 'args'>): boolean {
  const { command, args } = definition;
  const known = guarded.get(definition) ?? (command !== undefined && guardCommand([command, ...args]) !== undefined);
  guarded.set(definition, known);
  return known;
}

/** Problems for entries whose launcher does not exist: their clients cannot start them. */
export function missingLaunchers(definitions: readonly RawDefinition[], exists: (path: string) => boolean = existsSync): Problem[] {
  return definitions.flatMap((definition): Problem[] => {
    const { command = '', name, file, line } = definition;
    if (!isGuarded(definition) || !isAbsolute(command) || commandName(command) !== 'mcp-shepherd' || exists(command)) {
      return [];
    }
    const message = t(
      '{0} starts through {1}, which does not exist, so its client cannot start it. “mcp-shepherd protect {0}” restores the launcher; “mcp-shepherd unprotect {0}” removes it from the entry.',
      name,
      command,
    );
    return [{ source: 'config', message, file, line }];
  });
}

/** Whether our guard is one of a server's launchers. */
export function runsGuarded(launchers: readonly ProcessRow[]): boolean {
  return launchers.some((row) => launcherKind(row) === 'mcp-shepherd guard');
}

/** Whether a server's clients reach it through our guard: the guard is one of its launchers, or is itself the process that listens. */
export function isReachedThroughGuard({
  server,
  launchers,
}: {
  readonly server: ProcessRow;
  readonly launchers: readonly ProcessRow[];
}): boolean {
  return runsGuarded(launchers) || isHttpGuardCommand(observedWords(server));
}
