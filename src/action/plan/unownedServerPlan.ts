import type { Instance } from '../../model/snapshot.ts';
import { type PlanPart, type PlanRequest, refusedPlan } from './plan.ts';
import { endedCheckText, endStep, stopStep } from './planSteps.ts';
import { isOrphan, routeText } from './restartRoute.ts';

/** The plan for a server without a client: an orphan, or a server that runs on its own by design. */
export function planUnownedServer({ verb, instance, context, route }: PlanRequest): PlanPart {
  const { name, pid, listens } = instance;
  const orphan = instance.findings.find(isOrphan);
  if (orphan?.confidence === 'proven') {
    return {
      reason: 'Its client has exited and nothing is connected to it, so there is nothing to restart it for.',
      steps: [endStep(instance)],
      risks: [],
      verify: endedCheckText(instance.tree),
      confirm: 'once',
    };
  }
  if (verb === 'restart') {
    const way = listens ? context.ensures?.get(listens.port) : undefined;
    if (listens && way) {
      const text = `stop ${name} (PID ${pid}) and start it again, as “mcp-shepherd ensure ${way.name} --replace ${pid}” does: ${way.command}`;
      return {
        reason: `${name} (PID ${pid}) runs without a client, and ${way.file} says how it is started.`,
        steps: [{ kind: 'ensure', name: way.name, text }],
        risks: [],
        verify: `PID ${pid} is gone and a new process of ${name} listens on port ${listens.port}`,
        confirm: 'once',
      };
    }
    const reason = routeText(route, instance);
    return refusedPlan(listens ? `${reason} ${ensureHint(instance)}` : reason);
  }
  return {
    reason: orphan ? 'Its client seems to have exited.' : 'It runs on its own, without a client.',
    steps: [stopStep(instance)],
    risks: [
      orphan
        ? 'It is not proven that nothing uses it.'
        : 'Something may use it (a service, a terminal, a container, clients over the network), and may start it again.',
    ],
    verify: endedCheckText(instance.tree),
    confirm: 'twice',
  };
}

/** `mcp-shepherd.json` may say how the server is started; the file of this folder does not. */
function ensureHint({ name, pid }: Instance): string {
  const word = /^[\w.@-]+$/.test(name) ? name : 'NAME';
  return `Where mcp-shepherd.json says how it is started, “mcp-shepherd ensure ${word} --replace ${pid}” restarts it.`;
}
