import { asRecord } from '../../base/json.ts';
import { t, translated } from '../../base/language/translate.ts';
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
      reason: t('{0} is managed by an administrator and may not be changed.', file),
      advice: [t('Ask the administrator.')],
    };
  }
  if (rewrittenBy !== undefined) {
    return {
      reason: t(
        '{0} is running (PID {1}) and overwrites {2} from its memory: the change would be lost.',
        clientName,
        rewrittenBy.join(', '),
        file,
      ),
      advice: [t('Quit {0}, also from the tray or menu bar, and try again.', clientName)],
    };
  }
  if (action === 'unprotect') {
    return undefined;
  }
  if (ruleFor(facts.rules, 'denied', facts.own)) {
    return {
      reason: t('An administrator does not allow the command of {0}; the guard would bypass that rule.', name),
      advice: [t('Ask the administrator.')],
    };
  }
  const shared = workTree !== undefined;
  const ownEntry = t('Configure {0} for yourself instead, {1}, and protect that entry.', name, ownScope(facts));
  if (portable && !onNpm) {
    return {
      reason: t(
        'The portable form starts “npx -y mcp-shepherd”, and npm has no such package yet: the server would not start, and the first stranger who registers the name could run code wherever this file is used.',
      ),
      advice: [shared ? ownEntry : t('Use the launcher of this machine, which is what “protect” writes without --portable.')],
    };
  }
  if (shared && !portable) {
    return {
      reason: t(
        '{0} is in the git work tree {1}, which does not ignore it: other users would get a path that exists on this machine only.',
        file,
        workTree,
      ),
      advice: [
        ownEntry,
        ...(onNpm ? [t('Or use the portable form (“npx -y mcp-shepherd guard -- …”), which works wherever npm does.')] : []),
      ],
      ...(onNpm ? { portableHelps: true } : {}),
    };
  }
  return undefined;
}

/** Where an entry for this user only goes. */
function ownScope({ definition, clientName }: ProtectFacts): string {
  return (
    clientById(definition.client)?.ownEntryPlace?.replaceAll('NAME', () => definition.name) ?? t("in {0}'s user configuration", clientName)
  );
}

/** The warnings before an entry is changed, a sentence each; pure. */
export function warningsFor(facts: ProtectFacts, action: 'protect' | 'unprotect', portable: boolean): string[] {
  const { definition, otherReaders, entry } = facts;
  const { name, file } = definition;
  const warnings: string[] = [];
  if (!definition.enabled) {
    warnings.push(t('{0} is switched off, and stays so.', name));
  }
  if (otherReaders.length > 0) {
    warnings.push(
      otherReaders.length === 1
        ? t('{0} reads this file too and starts the server in the same way.', listText(otherReaders))
        : t('{0} read this file too and start the server in the same way.', listText(otherReaders, Number.POSITIVE_INFINITY)),
    );
  }
  const fileWarning = clientById(definition.client)?.fileWarning;
  if (fileWarning?.file.test(file)) {
    warnings.push(translated(fileWarning.text));
  }
  if (action === 'unprotect') {
    return warnings;
  }
  const rule = ruleFor(facts.rules, 'allowed', facts.own);
  if (rule) {
    warnings.push(
      t(
        '{0} allows exactly this command. With the guard it is another command, which the client may refuse to start: ask for another rule, or allow the server by its name.',
        rule.file,
      ),
    );
  }
  if (entry.sandboxEnabled === true) {
    warnings.push(
      t('VS Code runs this server in its sandbox. The guard runs in the sandbox too, and may not be able to write its record.'),
    );
  }
  if (isDebugged(entry)) {
    warnings.push(t('“dev.debug” attaches to the process that VS Code starts, which will be the guard, not the server.'));
  }
  if (definition.vscodeCollection === 'user' && !portable) {
    warnings.push(t('If Settings Sync shares your MCP servers, your other machines get this machine’s launcher path.'));
  }
  return warnings;
}

function isDebugged(entry: ProtectFacts['entry']): boolean {
  return asRecord(entry.dev)?.debug !== undefined;
}
