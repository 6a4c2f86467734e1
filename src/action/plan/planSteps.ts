import type { Instance } from '../../model/snapshot.ts';
import type { PlanContext, Step } from './plan.ts';

/** The condition to check after processes were stopped. */
export function endedCheckText(pids: readonly number[]): string {
  return `PID ${pids.join(', ')} ${pids.length === 1 ? 'is' : 'are'} gone`;
}

/** The condition to check after a server was replaced. */
export function replacedText({ pid, name }: Instance): string {
  return `PID ${pid} is gone and a new process of ${name} runs`;
}

/** Stops a server by its guard where it has one: the guard knows its own child for certain, and releases the locks. Else by signals. */
export function stopStep(instance: Instance): Step {
  const { record, name, pid } = instance;
  return record?.guardPid !== undefined && record.control.includes('stop')
    ? { kind: 'ask-control', record: record.id, text: `ask its guard (PID ${record.guardPid}) to stop ${name} (PID ${pid}) and itself` }
    : endStep(instance);
}

/** Stops the whole tree of a server by signals. */
export function endStep(instance: Instance): Step {
  const { tree, name, pid } = instance;
  const others = tree.length > 1 ? ` and ${tree.length - 1} more of its tree (${tree.filter((other) => other !== pid).join(', ')})` : '';
  return { kind: 'end-tree', pids: tree, text: `stop ${name} (PID ${pid})${others}: SIGTERM first, SIGKILL after 3 seconds` };
}

/** The user's step in the editor itself, where its window cannot be asked. */
export function listServersStep(instance: Instance, context: PlanContext, wanted: 'restart' | 'stop'): string {
  const name = instance.client?.name ?? 'VS Code';
  const pid = instance.client?.pid ?? 0;
  const why = context.windows.has(pid) ? 'no known file has its entry' : 'MCP Shepherd does not run in that window';
  const choice = wanted === 'restart' ? 'Restart Server' : 'Stop Server';
  return (
    `Only the ${name} window whose extension host has PID ${pid} can ${wanted} it, and it cannot be asked: ${why}. ` +
    `In that window run “MCP: List Servers”, choose ${instance.name}, then “${choice}”.`
  );
}
