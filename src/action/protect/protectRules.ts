import { asRecord } from '../../base/json.ts';
import { listText } from '../../base/singleLine.ts';
import { clientById } from '../../clients/clientTable.ts';

import { ruleFor } from './allowLists.ts';
import { isOnNpm } from './guardArguments.ts';
import type { ProtectFacts } from './protectFacts.ts';

/** Why an entry is not changed, and what the user can do instead, a sentence each. */
export interface Refusal {
  readonly reason: string;
  readonly advice: readonly string[];
  /** The portable form would not be refused. The last advice says so; the caller adds how to request it. */
  readonly portableHelps?: true;
}

/**
 * Why an entry must not be changed; undefined when it may be. Pure.
 * @param portable the entry starts the guard by `npx`, which works on every machine
 * @param onNpm npm has our package; replaced in tests only
 */
export function protectRefusal(
  facts: ProtectFacts,
  action: 'protect' | 'unprotect',
  portable: boolean,
  onNpm: boolean = isOnNpm,
): Refusal | undefined {
  const { definition, clientName, rewrittenBy, workTree } = facts;
  const { name, file } = definition;
  if (definition.scope === 'managed') {
    return {
      reason: `${file} is managed by an administrator and may not be changed.`,
      advice: ['Ask the administrator.'],
    };
  }
  if (rewrittenBy !== undefined) {
    return {
      reason: `${clientName} is running (PID ${rewrittenBy.join(', ')}) and overwrites ${file} from its memory: the change would be lost.`,
      advice: [`Quit ${clientName}, also from the tray or menu bar, and try again.`],
    };
  }
  if (action === 'unprotect') {
    return undefined;
  }
  if (ruleFor(facts.rules, 'denied', facts.own)) {
    return {
      reason: `An administrator does not allow the command of ${name}; the guard would bypass that rule.`,
      advice: ['Ask the administrator.'],
    };
  }
  const shared = workTree !== undefined;
  const ownEntry = `Configure ${name} for yourself instead, ${ownScope(facts)}, and protect that entry.`;
  if (portable && !onNpm) {
    return {
      reason:
        'The portable form starts “npx -y mcp-shepherd”, and npm has no such package yet: the server would not start, and the first stranger who registers the name could run code wherever this file is used.',
      advice: [shared ? ownEntry : 'Use the launcher of this machine, which is what “protect” writes without --portable.'],
    };
  }
  if (shared && !portable) {
    return {
      reason: `${file} is in the git work tree ${workTree}, which does not ignore it: other users would get a path that exists on this machine only.`,
      advice: [ownEntry, ...(onNpm ? ['Or use the portable form (“npx -y mcp-shepherd guard -- …”), which works wherever npm does.'] : [])],
      ...(onNpm ? { portableHelps: true } : {}),
    };
  }
  return undefined;
}

/** Where an entry for this user only goes. */
function ownScope({ definition, clientName }: ProtectFacts): string {
  return clientById(definition.client)?.ownEntryPlace?.replaceAll('NAME', () => definition.name) ?? `in ${clientName}'s user configuration`;
}

/** The warnings before an entry is changed, a sentence each; pure. */
export function warningsFor(facts: ProtectFacts, action: 'protect' | 'unprotect', portable: boolean): string[] {
  const { definition, otherReaders, entry } = facts;
  const { name, file } = definition;
  const warnings: string[] = [];
  if (!definition.enabled) {
    warnings.push(`${name} is switched off, and stays so.`);
  }
  if (otherReaders.length > 0) {
    warnings.push(
      `${listText(otherReaders, Number.POSITIVE_INFINITY)} read${otherReaders.length === 1 ? 's' : ''} this file too and start${otherReaders.length === 1 ? 's' : ''} the server in the same way.`,
    );
  }
  const fileWarning = clientById(definition.client)?.fileWarning;
  if (fileWarning?.file.test(file)) {
    warnings.push(fileWarning.text);
  }
  if (action === 'unprotect') {
    return warnings;
  }
  const rule = ruleFor(facts.rules, 'allowed', facts.own);
  if (rule) {
    warnings.push(
      `${rule.file} allows exactly this command. With the guard it is another command, which the client may refuse to start: ask for another rule, or allow the server by its name.`,
    );
  }
  if (entry.sandboxEnabled === true) {
    warnings.push('VS Code runs this server in its sandbox. The guard runs in the sandbox too, and may not be able to write its record.');
  }
  if (isDebugged(entry)) {
    warnings.push('“dev.debug” attaches to the process that VS Code starts, which will be the guard, not the server.');
  }
  if (definition.vscodeCollection === 'user' && !portable) {
    warnings.push('If Settings Sync shares your MCP servers, your other machines get this machine’s launcher path.');
  }
  return warnings;
}

function isDebugged(entry: ProtectFacts['entry']): boolean {
  return asRecord(entry.dev)?.debug !== undefined;
}
