import { launcherKind } from '../process/chain.ts';
import { guardCommand } from '../process/guardCommand.ts';
import type { RawDefinition } from '../types/definition.ts';
import type { ProcessRow } from '../types/process.ts';

/** Whether an entry starts its server through our guard. */
export function isGuarded(definition: Pick<RawDefinition, 'command' | 'args'>): boolean {
  return definition.command !== undefined && guardCommand([definition.command, ...definition.args]) !== undefined;
}

/** Whether our guard stands among a server's launchers. */
export function runsGuarded(launchers: readonly ProcessRow[]): boolean {
  return launchers.some((row) => launcherKind(row) === 'mcp-shepherd guard');
}
