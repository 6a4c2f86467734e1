import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { planOwnedServer } from './ownedServerPlan.ts';
import { type Plan, type PlanContext, type PlanPart, type PlanRequest, refusedPlan, targetOf, type Verb } from './plan.ts';
import { replacedText } from './planSteps.ts';
import { controlOwner, isOrphan, restartRoute } from './restartRoute.ts';
import { sessionRisks } from './sessionRisk.ts';
import { planUnownedServer } from './unownedServerPlan.ts';

/** Makes the plan for one server; pure. Who acts (`restartRoute`) is decided here, once for all parts of the plan. */
export function makePlan(verb: Verb, instance: Instance, snapshot: Snapshot, context: PlanContext): Plan {
  const wanted = verb === 'restart' ? 'restart' : 'stop';
  const made = partFor({ verb, wanted, instance, snapshot, context, route: restartRoute(instance, snapshot, wanted) });
  const beside = made.steps.some((step) => step.kind === 'end-tree') ? serverBeside(instance, snapshot) : undefined;
  const part = beside === undefined ? made : refusedPlan(besideText(instance, beside));
  const sessions = verb === 'restart' ? sessionRisks(instance, snapshot) : [];
  return {
    schema: 1,
    verb,
    target: targetOf(instance),
    ...part,
    risks: [...part.risks, ...sessions],
    // A user who now restarts the server in another way has to know these risks too.
    ...(part.refused === undefined ? {} : { refused: [part.refused, ...sessions].join(' ') }),
  };
}

function partFor(request: PlanRequest): PlanPart {
  const { instance, context, route } = request;
  const own = instance.tree.find((pid) => context.ownPids.has(pid));
  if (own !== undefined) {
    return refusedPlan(`This command was started by ${instance.name} itself (PID ${own}).`);
  }
  if (route.kind === 'control') {
    const owner = controlOwner(route);
    return {
      reason: `${owner[0]?.toUpperCase()}${owner.slice(1)} can replace it without its client noticing.`,
      steps: [{ kind: 'ask-control', record: route.record, text: `ask ${owner} to restart ${instance.name}` }],
      risks: [],
      verify: replacedText(instance),
      confirm: 'no',
    };
  }
  const { client } = instance;
  return client === null ? planUnownedServer(request) : planOwnedServer(request, client);
}

/**
 * Another server that the same launcher (a script) started. The launchers are stopped together with a server, so it would be stopped too. Beside an
 * orphan, other orphans may be.
 */
function serverBeside(instance: Instance, { instances }: Snapshot): Instance | undefined {
  const launchers = new Set(instance.launchers.map(({ pid }) => pid));
  const shared = instances.filter((other) => other.id !== instance.id && other.launchers.some(({ pid }) => launchers.has(pid)));
  return instance.findings.some(isOrphan) ? shared.find((other) => !other.findings.some(isOrphan)) : shared[0];
}

function besideText({ name, pid, launchers }: Instance, beside: Instance): string {
  const common = launchers.find((one) => beside.launchers.some((other) => other.pid === one.pid));
  return `${common?.kind ?? 'A launcher'} (PID ${common?.pid}) also started ${beside.name} (PID ${beside.pid}), which would be stopped together with ${name} (PID ${pid}).`;
}
