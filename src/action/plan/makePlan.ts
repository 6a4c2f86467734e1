import { t, translated } from '../../base/language/translate.ts';
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
      reason: t('Its client has exited and nothing is connected to it, so there is nothing to restart it for.'),
      steps: [endStep(instance)],
      risks: [],
      verify: endedCheckText(instance.tree),
      confirm: 'once',
    };
  }
  if (verb === 'restart') {
    const way = listens ? context.ensures?.get(listens.port) : undefined;
    if (listens && way) {
      const text = t(
        'stop {0} (PID {1}) and start it again, as “mcp-shepherd ensure {2} --replace {1}” does: {3}',
        name,
        pid,
        way.name,
        way.command,
      );
      return {
        reason: t('{0} (PID {1}) runs without a client, and {2} says how it is started.', name, pid, way.file),
        steps: [{ kind: 'ensure', name: way.name, text }],
        risks: [],
        verify: t('PID {0} is gone and a new process of {1} listens on port {2}', pid, name, listens.port),
        confirm: 'once',
      };
    }
    const reason = routeText(route, instance);
    return refusedPlan(listens ? `${reason} ${ensureHint(instance)}` : reason);
  }
  return {
    reason: orphan ? t('Its client seems to have exited.') : t('It runs on its own, without a client.'),
    steps: [stopStep(instance)],
    risks: [
      orphan
        ? t('It is not proven that nothing uses it.')
        : t('Something may use it (a service, a terminal, a container, clients over the network), and may start it again.'),
    ],
    verify: endedCheckText(instance.tree),
    confirm: 'twice',
  };
}

/** `mcp-shepherd.json` may say how the server is started; the file of this folder does not. */
function ensureHint({ name, pid }: Instance): string {
  const word = /^[\w.@-]+$/.test(name) ? name : 'NAME';
  return t('Where mcp-shepherd.json says how it is started, “mcp-shepherd ensure {0} --replace {1}” restarts it.', word, pid);
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
      t('This command runs below a process of {0} (PID {1}) and could end with it. Run it in another terminal.', instance.name, own),
    );
  }
  if (route.kind === 'control') {
    const owner = controlOwner(route);
    return {
      reason:
        route.guardPid === undefined
          ? t('The server itself can replace it without its client noticing.')
          : t('Its guard (PID {0}) can replace it without its client noticing.', route.guardPid),
      steps: [{ kind: 'ask-control', record: route.record, text: t('ask {0} to restart {1}', owner, instance.name) }],
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
  return t(
    '{0} (PID {1}) also started {2} (PID {3}), which would be stopped together with {4} (PID {5}).',
    common?.kind ?? t('A launcher'),
    common?.pid ?? '?',
    beside.name,
    beside.pid,
    name,
    pid,
  );
}

type Client = NonNullable<Instance['client']>;

/** The plan for a server whose client runs: the client is asked where it takes requests, else the user acts in it; only then are processes stopped. */
function planOwnedServer({ verb, wanted, instance, snapshot, context, route }: PlanRequest, client: Client): PlanPart {
  const copies = copiesUnder(client, instance, snapshot);
  const address = context.askable?.get(client.pid);
  const idle = isIdleCopy(instance);
  // Such a client knows one copy in each directory: asked to stop the server there, it would stop that one.
  const beside = address === undefined ? copies : copies.filter(({ cwd }) => cwd === instance.cwd);
  if (verb !== 'restart' && (idle || isReplaced(instance)) && beside.length > 0) {
    return stopUnderClient(instance, client, copies);
  }
  const verify = wanted === 'restart' ? replacedText(instance) : endedCheckText(instance.tree);
  const confirm = verb === 'end' ? 'twice' : 'no';
  const restarts = wanted === 'restart';
  if (route.kind === 'vscode-window' && context.windows.has(route.windowPid)) {
    const text = restarts
      ? t('ask the {0} window (extension host PID {1}) to restart {2} by its own commands', client.name, route.windowPid, instance.name)
      : t('ask the {0} window (extension host PID {1}) to stop {2} by its own commands', client.name, route.windowPid, instance.name);
    return {
      reason: restarts
        ? t('{0} (extension host PID {1}) runs it, and the extension in that window can restart it.', client.name, client.pid)
        : t('{0} (extension host PID {1}) runs it, and the extension in that window can stop it.', client.name, client.pid),
      steps: [{ kind: 'ask-window', windowPid: route.windowPid, text }],
      risks: [],
      verify,
      confirm,
    };
  }
  if (address !== undefined && instance.cwd !== null && instance.definitions.length > 0) {
    const [name, cwd] = [instance.name, instance.cwd];
    return {
      reason: restarts
        ? t('{0} (PID {1}) runs it, and restarts it when it is asked.', client.name, client.pid)
        : t('{0} (PID {1}) runs it, and stops it when it is asked.', client.name, client.pid),
      steps: [
        {
          kind: 'ask-opencode',
          address,
          directory: cwd,
          text: restarts
            ? t('let {0} (PID {1}) disconnect and connect {2} in {3}', client.name, client.pid, name, cwd)
            : t('let {0} (PID {1}) disconnect {2} in {3}', client.name, client.pid, name, cwd),
        },
      ],
      risks: idle && !restarts ? idleRisks(instance, client) : [],
      verify,
      confirm,
    };
  }
  if (restarts || isVscode(client.id)) {
    const text = restarts && route.kind === 'manual' ? route.step : listServersStep(instance, context, wanted);
    return {
      reason: restarts
        ? t('{0} (PID {1}) runs it; no other program can restart it there.', client.name, client.pid)
        : t('{0} (PID {1}) runs it; no other program can stop it there.', client.name, client.pid),
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
  const step = row?.stopStep && translated(row.stopStep).replaceAll('NAME', () => instance.name);
  return {
    reason: surplus
      ? t('{0} (PID {1}) runs a newer copy (PID {2}).', client.name, client.pid, listed(newer.map((copy) => copy.pid)))
      : t('{0} offers no way to stop one server, so its process is stopped directly.', client.name),
    steps: [stopStep(instance)],
    risks: [
      ...(idle
        ? idleRisks(instance, client)
        : [
            t('{0} (PID {1}) may be using it. It will lose the connection and any running call.', client.name, client.pid),
            ...afterwards(client),
          ]),
      ...(copies.length > 0 ? [] : [t('{0} (PID {1}) has no other copy of {2}.', client.name, client.pid, instance.name)]),
      ...(step === undefined ? [] : [t('To stop it in the client instead: {0}', step)]),
    ],
    verify: t('{0}, and {1} has not started it again', endedCheckText(instance.tree), client.name),
    confirm: surplus && !idle ? 'once' : 'twice',
  };
}

/** What the client loses with an idle copy, and what it does then. */
function idleRisks({ name }: Instance, client: Client): string[] {
  return [
    t('Threads or sessions that are open in {0} (PID {1}) and use this copy lose {2}.', client.name, client.pid, name),
    ...afterwards(client),
  ];
}

function afterwards(client: Client): string[] {
  const seen = afterStop(client.id);
  return seen === undefined ? [] : [seen];
}

/** "12, 13, 14 and 9 more". */
function listed(pids: readonly number[]): string {
  const most = 5;
  return pids.length <= most + 1 ? pids.join(', ') : t('{0} and {1} more', pids.slice(0, most).join(', '), pids.length - most);
}
