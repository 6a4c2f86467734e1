import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { planOwnedServer } from './ownedServerPlan.ts';
import { type Plan, type PlanContext, type PlanPart, refusedPlan, targetOf, type Verb } from './plan.ts';
import { replacedText } from './planSteps.ts';
import { controlOwner, isOrphan, restartRoute } from './restartRoute.ts';
import { sessionRisks } from './sessionRisk.ts';
import { planUnownedServer } from './unownedServerPlan.ts';

/** Makes the plan for one server. Pure: it looks at nothing and does nothing. */
export function planFor(verb: Verb, instance: Instance, snapshot: Snapshot, around: PlanContext): Plan {
  const made = partFor(verb, instance, snapshot, around);
  const beside = made.steps.some((step) => step.kind === 'end-tree') ? serverBeside(instance, snapshot) : undefined;
  const part = beside === undefined ? made : refusedPlan(besideText(instance, beside));
  const sessions = verb === 'restart' ? sessionRisks(instance, snapshot) : [];
  return {
    schema: 1,
    verb,
    target: targetOf(instance),
    ...part,
    risks: [...part.risks, ...sessions],
    // Who restarts it another way has to know it all the same.
    ...(part.refused === undefined ? {} : { refused: [part.refused, ...sessions].join(' ') }),
  };
}

function partFor(verb: Verb, instance: Instance, snapshot: Snapshot, around: PlanContext): PlanPart {
  const own = instance.tree.find((pid) => around.ownPids.has(pid));
  if (own !== undefined) {
    return refusedPlan(`This command was started by ${instance.name} itself (PID ${own}).`);
  }
  const control = verb === 'restart' ? restartRoute(instance, snapshot) : undefined;
  if (control?.kind === 'control') {
    const owner = controlOwner(control);
    return {
      reason: `${owner[0]?.toUpperCase()}${owner.slice(1)} can replace it without its client noticing.`,
      steps: [{ kind: 'ask-control', record: control.record, text: `ask ${owner} to restart ${instance.name}` }],
      risks: [],
      verify: replacedText(instance),
      confirm: 'no',
    };
  }
  const { client } = instance;
  return client === null ? planUnownedServer(verb, instance, around) : planOwnedServer(verb, instance, client, snapshot, around);
}

/** Another server that one launcher (a script) has started beside this one, and that is not left behind as this one is: the launchers are ended with a server. */
function serverBeside(instance: Instance, { instances }: Snapshot): Instance | undefined {
  const launchers = new Set(instance.launchers.map(({ pid }) => pid));
  const shared = instances.filter((other) => other.id !== instance.id && other.launchers.some(({ pid }) => launchers.has(pid)));
  return instance.findings.some(isOrphan) ? shared.find((other) => !other.findings.some(isOrphan)) : shared[0];
}

function besideText({ name, pid, launchers }: Instance, beside: Instance): string {
  const common = launchers.find((one) => beside.launchers.some((other) => other.pid === one.pid));
  return `${common?.kind ?? 'a launcher'} (PID ${common?.pid}) has started ${beside.name} (PID ${beside.pid}) beside ${name} (PID ${pid}), and that one would be ended with it.`;
}
