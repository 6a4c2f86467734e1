import { isHeadline } from '../types/finding.ts';
import type { Instance, Snapshot } from '../types/snapshot.ts';
import { controlOwner, isOrphan, isWindowClient, restartRoute } from './restart.ts';
import { sessionRisks } from './sessionRisk.ts';

export type Verb = 'restart' | 'stop' | 'end';

/** The one running server that a plan is about, as it was seen when the plan was made. */
export interface Target {
  /** The text of its identity: what has to be true again right before anything is done. */
  readonly instance: string;
  readonly pid: number;
  readonly name: string;
  /** Redacted command line. */
  readonly command: string;
  readonly client: { readonly name: string; readonly pid: number; readonly identity: string } | null;
  readonly launchers: readonly number[];
  /** Every PID that goes with it. */
  readonly tree: readonly number[];
  readonly definitions: readonly string[];
  readonly runs: string | null;
  readonly installed: string | null;
  readonly memoryBytes: number;
  /** Id of what it, or its guard, has published. */
  readonly record?: string;
  /** Others reach it by a port: a shell or a service manager may stand above it, and is not its client. */
  readonly listens?: true;
}

/** One thing that will be done, in words for a person and with what it touches for a program. */
export type Step =
  /** The window whose extension host has this PID does it, by VS Code's own commands. */
  | { readonly kind: 'ask-window'; readonly windowPid: number; readonly text: string }
  /** The guard of the server, or the server itself, does it: asked over the control endpoint of this record. */
  | { readonly kind: 'ask-control'; readonly record: string; readonly text: string }
  /** opencode does it, over its own interface, in one of its directories. */
  | { readonly kind: 'ask-opencode'; readonly address: string; readonly directory: string; readonly text: string }
  /** It is replaced by the command that a person wrote down for it, as `mcp-shepherd ensure` does it. */
  | { readonly kind: 'ensure'; readonly name: string; readonly text: string }
  /** The processes are ended: asked first, then hard. */
  | { readonly kind: 'end-tree'; readonly pids: readonly number[]; readonly text: string }
  /** Nothing that a program can do: the user takes this step in the client. */
  | { readonly kind: 'manual'; readonly text: string };

export interface Plan {
  readonly schema: 1;
  readonly verb: Verb;
  readonly target: Target;
  /** Why these steps and no others. */
  readonly reason: string;
  readonly steps: readonly Step[];
  /** What a person should know before. */
  readonly risks: readonly string[];
  /** What must be true afterwards. */
  readonly verify: string;
  /** `once`: ask before. `twice`: somebody may miss it, so that only an explicit second yes (`--force`) carries it out. */
  readonly confirm: 'no' | 'once' | 'twice';
  /** Set when it must not be done at all; there are no steps then. */
  readonly refused?: string;
}

/** How a server on a port is started, as a person wrote it down. */
export interface EnsureWay {
  readonly file: string;
  readonly name: string;
  /** Redacted. */
  readonly command: string;
}

/** What the plan depends on besides the snapshot. */
export interface Surroundings {
  /** Addresses of the opencode processes that answer for their servers, by PID. */
  readonly opencodes?: ReadonlyMap<number, string>;
  /** By port. */
  readonly ensures?: ReadonlyMap<number, EnsureWay>;
  /** PIDs of the extension hosts that take requests. */
  readonly windows: ReadonlySet<number>;
  /** This program and everything above it. */
  readonly ownPids: ReadonlySet<number>;
}

/** Makes the plan for one server. Pure: it looks at nothing and does nothing. */
export function planFor(verb: Verb, instance: Instance, snapshot: Snapshot, around: Surroundings): Plan {
  const made = stepsFor(verb, instance, snapshot, around);
  const beside = made.steps.some((step) => step.kind === 'end-tree') ? serverBeside(instance, snapshot) : undefined;
  const plan = beside === undefined ? made : { ...made, ...refusal(besideText(instance, beside)) };
  const sessions = verb === 'restart' ? sessionRisks(instance, snapshot) : [];
  return {
    ...plan,
    risks: [...plan.risks, ...sessions],
    // Who restarts it another way has to know it all the same.
    ...(plan.refused === undefined ? {} : { refused: [plan.refused, ...sessions].join(' ') }),
  };
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

function stepsFor(verb: Verb, instance: Instance, snapshot: Snapshot, around: Surroundings): Plan {
  const target = targetOf(instance);
  const base = { schema: 1, verb, target, risks: [], confirm: 'no' } as const;
  const own = instance.tree.find((pid) => around.ownPids.has(pid));
  if (own !== undefined) {
    return { ...base, ...refusal(`This command was started by ${instance.name} itself (PID ${own}).`) };
  }
  const { client } = instance;
  const control = verb === 'restart' ? restartRoute(instance, snapshot) : undefined;
  if (control?.kind === 'control') {
    const owner = controlOwner(control);
    return {
      ...base,
      reason: `${owner[0]?.toUpperCase()}${owner.slice(1)} can replace it without its client noticing.`,
      steps: [{ kind: 'ask-control', record: control.record, text: `ask ${owner} to restart ${instance.name}` }],
      verify: `PID ${instance.pid} is gone and a new process of ${instance.name} runs`,
    };
  }
  if (client === null) {
    return { ...base, ...withoutClient(verb, instance, around) };
  }
  const newer = newerCopies(instance, snapshot);
  if (verb !== 'restart' && newer.length > 0) {
    // The client itself knows one of its copies at most: asked to stop the server, it would stop that one.
    return { ...base, ...endUnderClient(instance, client, newer) };
  }
  const route = restartRoute(instance, snapshot, verb === 'restart' ? 'restart' : 'stop');
  const wish = verb === 'restart' ? 'restart' : 'stop';
  const verify = verb === 'restart' ? `PID ${instance.pid} is gone and a new process of ${instance.name} runs` : goneText(instance.tree);
  if (route.kind === 'vscode-window' && around.windows.has(route.windowPid)) {
    const text = `ask the ${client.name} window (extension host PID ${route.windowPid}) to ${wish} ${instance.name} by its own commands`;
    return {
      ...base,
      reason: `${client.name} (extension host PID ${client.pid}) runs it, and the extension in that window can ${wish} it.`,
      steps: [{ kind: 'ask-window', windowPid: route.windowPid, text }],
      verify,
      confirm: verb === 'end' ? 'twice' : 'no',
    };
  }
  const address = around.opencodes?.get(client.pid);
  if (address !== undefined && instance.cwd !== null && instance.definitions.length > 0) {
    const text = `let opencode (PID ${client.pid}) ${wish === 'restart' ? 'disconnect and connect' : 'disconnect'} ${instance.name} in ${instance.cwd}`;
    return {
      ...base,
      reason: `opencode (PID ${client.pid}) runs it, and ${wish === 'restart' ? 'restarts' : 'stops'} it when it is asked.`,
      steps: [{ kind: 'ask-opencode', address, directory: instance.cwd, text }],
      verify,
      confirm: verb === 'end' ? 'twice' : 'no',
    };
  }
  if (verb === 'restart' || isWindowClient(client.id)) {
    const step = verb === 'restart' && route.kind === 'manual' ? route.step : listServersStep(instance, around, wish);
    return {
      ...base,
      reason: `${client.name} (PID ${client.pid}) runs it; no other program can ${wish} it there.`,
      steps: [{ kind: 'manual', text: step }],
      verify,
    };
  }
  return { ...base, ...endUnderClient(instance, client, newer) };
}

export function targetOf(instance: Instance): Target {
  const { id, pid, name, command, client, launchers, tree, definitions, memoryBytes } = instance;
  return {
    instance: id,
    pid,
    name,
    command,
    client: client && { name: client.name, pid: client.pid, identity: client.identity },
    launchers: launchers.map((launcher) => launcher.pid),
    tree,
    definitions,
    runs: instance.package?.running ?? null,
    installed: instance.package?.installed ?? null,
    memoryBytes,
    ...(instance.record ? { record: instance.record.id } : {}),
    ...(instance.listens ? { listens: true } : {}),
  };
}

type PlanPart = Omit<Plan, 'schema' | 'verb' | 'target'>;

function refusal(reason: string): PlanPart {
  return { reason, steps: [], risks: [], verify: 'nothing', confirm: 'no', refused: reason };
}

function withoutClient(verb: Verb, instance: Instance, { ensures }: Surroundings): PlanPart {
  const orphan = instance.findings.find(isOrphan);
  if (orphan?.confidence === 'proven') {
    return {
      reason: 'Its client has ended, and nobody can send it anything any more: there is nobody to restart it for.',
      steps: [endStep(instance)],
      risks: [],
      verify: goneText(instance.tree),
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
    return refusal(instance.listens ? `${own} ${ensureHint(instance)}` : own);
  }
  return {
    reason: orphan ? 'Its client seems to have ended.' : 'It runs on its own, without a client.',
    steps: [stopStep(instance)],
    risks: [
      orphan
        ? 'That nobody uses it any more is not proven.'
        : 'Something may use it (a service, a terminal, a container, clients over the network), and may or may not start it again.',
    ],
    verify: goneText(instance.tree),
    confirm: 'twice',
  };
}

/** Who starts a server on a port is known only where a person wrote it down; here nobody did, or this is not the folder. */
function ensureHint({ name, pid }: Instance): string {
  const word = /^[\w.@-]+$/.test(name) ? name : 'NAME';
  return `Where mcp-shepherd.json says how that is, “mcp-shepherd ensure ${word} --replace ${pid}” does it.`;
}

/** Copies under the same client process that make this one surplus. */
function newerCopies(instance: Instance, snapshot: Snapshot): Instance[] {
  const surplus = instance.findings.some((finding) => finding.kind === 'duplicate' && isHeadline(finding));
  const copies = snapshot.instances.filter((other) => isCopyOf(other, instance) && other.client?.identity === instance.client?.identity);
  return surplus ? copies : [];
}

function endUnderClient(instance: Instance, client: NonNullable<Instance['client']>, newer: readonly Instance[]): PlanPart {
  const surplus = newer.length > 0;
  const lives = `${client.name} (PID ${client.pid}) lives and may still use it: it sees the connection break, and calls under way are lost.`;
  return {
    reason: surplus
      ? `${client.name} (PID ${client.pid}) runs a newer copy (PID ${newer.map((copy) => copy.pid).join(', ')}).`
      : `Only its client could stop it gently, and ${client.name} takes no such request.`,
    steps: [stopStep(instance)],
    risks: [...(surplus ? [lives] : [lives, `It is the only ${instance.name} that this client has.`]), ...gentler(instance, client)],
    verify: `${goneText(instance.tree)}, and ${client.name} has not started it again`,
    confirm: surplus ? 'once' : 'twice',
  };
}

/** What a person can do instead in a client that no program can ask. */
function gentler({ name }: Instance, { id }: NonNullable<Instance['client']>): string[] {
  return id === 'vscode-agent-host'
    ? [
        `Gentler: open the agent session, run “MCP: List Servers”, pick ${name} and choose “Stop Server”. Its session knows then that it is stopped.`,
      ]
    : [];
}

function goneText(pids: readonly number[]): string {
  return `PID ${pids.join(', ')} ${pids.length === 1 ? 'is' : 'are'} gone`;
}

/** Whether a running server is the one of a target, or what its client has started in its place. */
export function isSameServer(instance: Instance, target: Target): boolean {
  return (
    instance.client?.identity === target.client?.identity &&
    (target.definitions.length > 0
      ? instance.definitions.some((id) => target.definitions.includes(id))
      : instance.command === target.command)
  );
}

/** Whether plans may be carried out on a second yes only. @param last clients' servers of which nothing would be left (`lastCopies`) */
export function needsSecondYes(plans: readonly Plan[], last: readonly string[]): boolean {
  return last.length > 0 || plans.some((plan) => plan.confirm === 'twice');
}

/** Whether two are copies of one server: the same entry, or, without an entry, the same command line. */
export function isCopyOf(other: Instance, one: Instance): boolean {
  return (
    other.id !== one.id &&
    (one.definitions.length > 0 ? other.definitions.some((id) => one.definitions.includes(id)) : other.command === one.command)
  );
}

/** By its guard, where there is one: that knows its own child for certain, and gives back what it holds. */
function stopStep(instance: Instance): Step {
  const { record, name, pid } = instance;
  return record?.guardPid !== undefined && record.control.includes('stop')
    ? { kind: 'ask-control', record: record.id, text: `ask its guard (PID ${record.guardPid}) to end ${name} (PID ${pid}) and itself` }
    : endStep(instance);
}

function endStep(instance: Instance): Step {
  const { tree, name, pid } = instance;
  const others = tree.length > 1 ? ` and ${tree.length - 1} more of its tree (${tree.filter((other) => other !== pid).join(', ')})` : '';
  return { kind: 'end-tree', pids: tree, text: `end ${name} (PID ${pid})${others}: SIGTERM first, SIGKILL after 3 seconds` };
}

/** What the user does in the editor itself. */
function listServersStep(instance: Instance, around: Surroundings, wish: 'restart' | 'stop'): string {
  const name = instance.client?.name ?? 'VS Code';
  const pid = instance.client?.pid ?? 0;
  const why = around.windows.has(pid) ? 'its entry stands in no file that is known' : 'MCP Shepherd does not run in that window';
  const choice = wish === 'restart' ? 'Restart Server' : 'Stop Server';
  return (
    `Only the ${name} window whose extension host has PID ${pid} can ${wish} it, and it cannot be asked: ${why}. ` +
    `In that window run “MCP: List Servers”, choose ${instance.name}, then “${choice}”.`
  );
}
