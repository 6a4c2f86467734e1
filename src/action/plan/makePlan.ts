import { afterStop, clientById, isVscode } from '../../clients/clientTable.ts';
import { isHeadline } from '../../model/finding.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import {
  isCopyOf,
  isIdleCopy,
  type Plan,
  type PlanContext,
  type PlanPart,
  type PlanRequest,
  refusedPlan,
  targetOf,
  type Verb,
} from './plan.ts';
import { endedCheckText, endStep, listServersStep, replacedText, stopStep } from './planSteps.ts';
import { controlOwner, isOrphan, type RestartRoute, restartRoute, routeText } from './restartRoute.ts';
import { sessionRisks } from './sessionRisk.ts';

/** The plan for a server without a client: an orphan, or a server that runs on its own by design. */
function planUnownedServer({ verb, instance, context, route }: PlanRequest): PlanPart {
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

/**
 * Makes the plan for one server; pure.
 * @param decided who acts, where the caller has decided that for the same verb and snapshot; otherwise it is decided here, once for all parts of the plan
 */
export function makePlan(verb: Verb, instance: Instance, snapshot: Snapshot, context: PlanContext, decided?: RestartRoute): Plan {
  const wanted = verb === 'restart' ? 'restart' : 'stop';
  const route = decided ?? restartRoute(instance, snapshot, wanted);
  const made = partFor({ verb, wanted, instance, snapshot, context, route });
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
    return refusedPlan(
      `This command runs below a process of ${instance.name} (PID ${own}) and could end with it. Run it in another terminal.`,
    );
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

type Client = NonNullable<Instance['client']>;

/** The plan for a server whose client runs: the client is asked where it takes requests, else the user acts in it; only then are processes stopped. */
function planOwnedServer({ verb, wanted, instance, snapshot, context, route }: PlanRequest, client: Client): PlanPart {
  const copies = copiesUnder(client, instance, snapshot);
  if (verb !== 'restart' && (isIdleCopy(instance) || isReplaced(instance)) && copies.length > 0) {
    // The client knows at most one of its copies: asked to stop the server, it would stop that one.
    return stopUnderClient(instance, client, copies);
  }
  const verify = wanted === 'restart' ? replacedText(instance) : endedCheckText(instance.tree);
  const confirm = verb === 'end' ? 'twice' : 'no';
  if (route.kind === 'vscode-window' && context.windows.has(route.windowPid)) {
    const text = `ask the ${client.name} window (extension host PID ${route.windowPid}) to ${wanted} ${instance.name} by its own commands`;
    return {
      reason: `${client.name} (extension host PID ${client.pid}) runs it, and the extension in that window can ${wanted} it.`,
      steps: [{ kind: 'ask-window', windowPid: route.windowPid, text }],
      risks: [],
      verify,
      confirm,
    };
  }
  const address = context.askable?.get(client.pid);
  if (address !== undefined && instance.cwd !== null && instance.definitions.length > 0) {
    const how = wanted === 'restart' ? 'disconnect and connect' : 'disconnect';
    return {
      reason: `${client.name} (PID ${client.pid}) runs it, and ${wanted}s it when it is asked.`,
      steps: [
        {
          kind: 'ask-opencode',
          address,
          directory: instance.cwd,
          text: `let ${client.name} (PID ${client.pid}) ${how} ${instance.name} in ${instance.cwd}`,
        },
      ],
      risks: [],
      verify,
      confirm,
    };
  }
  if (wanted === 'restart' || isVscode(client.id)) {
    const text = wanted === 'restart' && route.kind === 'manual' ? route.step : listServersStep(instance, context, wanted);
    return {
      reason: `${client.name} (PID ${client.pid}) runs it; no other program can ${wanted} it there.`,
      steps: [{ kind: 'manual', text }],
      risks: [],
      verify,
      confirm: 'no',
    };
  }
  return stopUnderClient(instance, client, copies);
}

/** The other copies of a server under the same client process. */
function copiesUnder(client: Client, instance: Instance, snapshot: Snapshot): Instance[] {
  return snapshot.instances.filter((other) => isCopyOf(other, instance) && other.client?.identity === client.identity);
}

/** By the start; of two that were started at the same time the one with the higher PID, as in `judgeCopies`. */
function isNewer(copy: Instance, instance: Instance): boolean {
  return copy.startedAt > instance.startedAt || (copy.startedAt === instance.startedAt && copy.pid > instance.pid);
}

/** Whether a newer copy under the same client process replaces this one. */
function isReplaced(instance: Instance): boolean {
  return instance.findings.some((finding) => finding.kind === 'duplicate' && isHeadline(finding));
}

function stopUnderClient(instance: Instance, client: Client, copies: readonly Instance[]): PlanPart {
  const idle = isIdleCopy(instance);
  const newer = idle ? copies.filter((copy) => isNewer(copy, instance)) : isReplaced(instance) ? copies : [];
  const surplus = newer.length > 0;
  const row = clientById(client.id);
  const seen = afterStop(client.id);
  const step = row?.stopStep?.replaceAll('NAME', () => instance.name);
  return {
    reason: surplus
      ? `${client.name} (PID ${client.pid}) runs a newer copy (PID ${listed(newer.map((copy) => copy.pid))}).`
      : `${client.name} offers no way to stop one server, so its process is stopped directly.`,
    steps: [stopStep(instance)],
    risks: [
      idle
        ? `Threads or sessions that are open in ${client.name} (PID ${client.pid}) and use this copy lose ${instance.name}.`
        : `${client.name} (PID ${client.pid}) may be using it. It will lose the connection and any running call.`,
      ...(seen === undefined ? [] : [seen]),
      ...(copies.length > 0 ? [] : [`${client.name} (PID ${client.pid}) has no other copy of ${instance.name}.`]),
      ...(step === undefined ? [] : [`To stop it in the client instead: ${step}`]),
    ],
    verify: `${endedCheckText(instance.tree)}, and ${client.name} has not started it again`,
    confirm: surplus && !idle ? 'once' : 'twice',
  };
}

/** "12, 13, 14 and 9 more". */
function listed(pids: readonly number[]): string {
  const most = 5;
  return pids.length <= most + 1 ? pids.join(', ') : `${pids.slice(0, most).join(', ')} and ${pids.length - most} more`;
}
