import type { Instance } from '../../model/snapshot.ts';
import { type PlanContext, type PlanPart, refusedPlan, type Verb } from './plan.ts';
import { endedCheckText, endStep, stopStep } from './planSteps.ts';
import { isOrphan } from './restartRoute.ts';

/** What is done to a server that has no client, left behind or on its own by design. */
export function planUnownedServer(verb: Verb, instance: Instance, { ensures }: PlanContext): PlanPart {
  const orphan = instance.findings.find(isOrphan);
  if (orphan?.confidence === 'proven') {
    return {
      reason: 'Its client has ended, and nobody can send it anything any more: there is nobody to restart it for.',
      steps: [endStep(instance)],
      risks: [],
      verify: endedCheckText(instance.tree),
      confirm: 'once',
    };
  }
  const way = verb === 'restart' && instance.listens ? ensures?.get(instance.listens.port) : undefined;
  if (way) {
    const { name, pid } = instance;
    const text = `end ${name} (PID ${pid}) and start it again, as “mcp-shepherd ensure ${way.name} --replace ${pid}” does: ${way.command}`;
    return {
      reason: `${name} (PID ${pid}) runs without a client, and ${way.file} says how it is started.`,
      steps: [{ kind: 'ensure', name: way.name, text }],
      risks: [],
      verify: `PID ${pid} is gone and a new process of ${name} listens on port ${instance.listens?.port}`,
      confirm: 'once',
    };
  }
  if (verb === 'restart') {
    const own = `${instance.name} (PID ${instance.pid}) runs without a client. Restart it the way it was started (its service, its terminal, its container).`;
    return refusedPlan(instance.listens ? `${own} ${ensureHint(instance)}` : own);
  }
  return {
    reason: orphan ? 'Its client seems to have ended.' : 'It runs on its own, without a client.',
    steps: [stopStep(instance)],
    risks: [
      orphan
        ? 'That nobody uses it any more is not proven.'
        : 'Something may use it (a service, a terminal, a container, clients over the network), and may or may not start it again.',
    ],
    verify: endedCheckText(instance.tree),
    confirm: 'twice',
  };
}

/** Who starts a server on a port is known only where a person wrote it down; here nobody did, or this is not the folder. */
function ensureHint({ name, pid }: Instance): string {
  const word = /^[\w.@-]+$/.test(name) ? name : 'NAME';
  return `Where mcp-shepherd.json says how that is, “mcp-shepherd ensure ${word} --replace ${pid}” does it.`;
}
