import { t } from '../../base/language/translate.ts';
import type { Instance } from '../../model/snapshot.ts';
import type { PlanContext, Step } from './plan.ts';

/** The condition to check after processes were stopped. */
export function endedCheckText(pids: readonly number[]): string {
  return pids.length === 1 ? t('PID {0} is gone', pids.join(', ')) : t('PID {0} are gone', pids.join(', '));
}

/** The condition to check after a server was replaced. */
export function replacedText({ pid, name }: Instance): string {
  return t('PID {0} is gone and a new process of {1} runs', pid, name);
}

/** Stops a server by its guard where it has one: the guard knows its own child for certain, and releases the locks. Else by signals. */
export function stopStep(instance: Instance): Step {
  const { record, name, pid } = instance;
  return record?.guardPid !== undefined && record.control.includes('stop')
    ? {
        kind: 'ask-control',
        record: record.id,
        text: t('ask its guard (PID {0}) to stop {1} (PID {2}) and itself', record.guardPid, name, pid),
      }
    : endStep(instance);
}

/** Stops the whole tree of a server by signals. */
export function endStep(instance: Instance): Step {
  const { tree, name, pid } = instance;
  const others = tree.filter((other) => other !== pid).join(', ');
  const text =
    tree.length > 1
      ? t('stop {0} (PID {1}) and {2} more of its tree ({3}): SIGTERM first, SIGKILL after 3 seconds', name, pid, tree.length - 1, others)
      : t('stop {0} (PID {1}): SIGTERM first, SIGKILL after 3 seconds', name, pid);
  return { kind: 'end-tree', pids: tree, text };
}

/** The user's step in the editor itself, where its window cannot be asked. */
export function listServersStep(instance: Instance, context: PlanContext, wanted: 'restart' | 'stop'): string {
  const name = instance.client?.name ?? 'VS Code';
  const pid = instance.client?.pid ?? 0;
  const why = context.windows.has(pid) ? t('no known file has its entry') : t('MCP Shepherd does not run in that window');
  const sentences =
    wanted === 'restart'
      ? [
          t('Only the {0} window whose extension host has PID {1} can restart it, and it cannot be asked: {2}.', name, pid, why),
          t('In that window run “MCP: List Servers”, choose {0}, then “Restart Server”.', instance.name),
        ]
      : [
          t('Only the {0} window whose extension host has PID {1} can stop it, and it cannot be asked: {2}.', name, pid, why),
          t('In that window run “MCP: List Servers”, choose {0}, then “Stop Server”.', instance.name),
        ];
  return sentences.join(' ');
}
