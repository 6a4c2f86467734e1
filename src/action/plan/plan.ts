import type { Finding } from '../../model/finding.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import type { RestartRoute } from './restartRoute.ts';

export type Verb = 'restart' | 'stop' | 'end';

/** The one running server that a plan is about, as it was when the plan was made. */
export interface ActionTarget {
  /** The text of its identity, which is checked again right before anything is done. */
  readonly instance: string;
  readonly pid: number;
  readonly name: string;
  /** Redacted command line. */
  readonly command: string;
  readonly client: { readonly name: string; readonly pid: number; readonly identity: string } | null;
  readonly launchers: readonly number[];
  /** Every PID that is stopped with it. */
  readonly tree: readonly number[];
  readonly definitions: readonly string[];
  readonly runs: string | null;
  readonly installed: string | null;
  readonly memoryBytes: number;
  /** Id of the record that it or its guard has published. */
  readonly record?: string;
  /** It is stopped because it did nothing for an hour: not where it has worked since. */
  readonly idle?: true;
  /** It is reached by a port: its parent may be a shell or a service manager, which is not its client. */
  readonly listens?: true;
}

/** One thing that will be done. `text` says it to the user; the other fields are for the program that does it. */
export type Step =
  /** The window whose extension host has this PID does it, by VS Code's own commands. */
  | { readonly kind: 'ask-window'; readonly windowPid: number; readonly text: string }
  /** The guard of the server, or the server itself, does it: asked over the control endpoint of this record. */
  | { readonly kind: 'ask-control'; readonly record: string; readonly text: string }
  /** opencode does it, over its own interface, in one of its directories. */
  | { readonly kind: 'ask-opencode'; readonly address: string; readonly directory: string; readonly text: string }
  /** It is replaced by the command that `mcp-shepherd.json` has for it, as `mcp-shepherd ensure` does it. */
  | { readonly kind: 'ensure'; readonly name: string; readonly text: string }
  /** The processes are stopped: SIGTERM first, then SIGKILL. */
  | { readonly kind: 'end-tree'; readonly pids: readonly number[]; readonly text: string }
  /** No program can do it: the user takes this step in the client. */
  | { readonly kind: 'manual'; readonly text: string };

export interface Plan {
  readonly schema: 1;
  readonly verb: Verb;
  readonly target: ActionTarget;
  /** Why these steps and no others. */
  readonly reason: string;
  readonly steps: readonly Step[];
  /** The risks that the user reads before. */
  readonly risks: readonly string[];
  /** The condition to check afterwards. */
  readonly verify: string;
  /** `once`: ask before. `twice`: the server may be in use, so that only an explicit second yes (`--force`) carries it out. */
  readonly confirm: 'no' | 'once' | 'twice';
  /** Why it must not be done; there are no steps then. */
  readonly refused?: string;
}

/** How a server on a port is started, by an entry of `mcp-shepherd.json`. */
export interface EnsureWay {
  readonly file: string;
  readonly name: string;
  /** Redacted. */
  readonly command: string;
}

/** What a client did when copies of one of its servers were stopped. */
export interface ClientStops {
  readonly stops: number;
  /** So often it started the server again within three seconds. */
  readonly again: number;
}

/** The input of a plan besides the snapshot. */
export interface PlanContext {
  /** Servers that their client started again when a copy of them was stopped, by id. */
  readonly startedAgain?: ReadonlyMap<string, ClientStops>;
  /** Addresses of the clients that answer for their servers, by PID. */
  readonly askable?: ReadonlyMap<number, string>;
  /** Entries of `mcp-shepherd.json`, by port. */
  readonly ensures?: ReadonlyMap<number, EnsureWay>;
  /** PIDs of the extension hosts that take requests. */
  readonly windows: ReadonlySet<number>;
  /** This program and everything above it. */
  readonly ownPids: ReadonlySet<number>;
}

/** The running server that a plan is about, as it is now. */
export function targetOf(instance: Instance): ActionTarget {
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
    ...(isIdleCopy(instance) ? { idle: true } : {}),
    ...(instance.listens ? { listens: true } : {}),
  };
}

/** The whole input of a plan. The route is decided once and passed to every part. */
export interface PlanRequest {
  readonly verb: Verb;
  /** The verb towards a client or guard, which stops what is ended here. */
  readonly wanted: 'restart' | 'stop';
  readonly instance: Instance;
  readonly snapshot: Snapshot;
  readonly context: PlanContext;
  readonly route: RestartRoute;
}

/** A plan without its subject. */
export type PlanPart = Omit<Plan, 'schema' | 'verb' | 'target'>;

/** A plan that must not be carried out. */
export function refusedPlan(reason: string): PlanPart {
  return { reason, steps: [], risks: [], verify: 'nothing', confirm: 'no', refused: reason };
}

/** Whether plans need a second yes. @param last what they take from clients that run (`lastCopies`) */
export function needsSecondYes(plans: readonly Plan[], last: readonly string[]): boolean {
  return last.length > 0 || plans.some((plan) => plan.confirm === 'twice');
}

/** Whether a running server is the target, or what the same client has started in its place. */
export function isSameServer(instance: Instance, target: ActionTarget): boolean {
  return (
    instance.client?.identity === target.client?.identity &&
    (target.definitions.length > 0
      ? instance.definitions.some((id) => target.definitions.includes(id))
      : instance.command === target.command)
  );
}

/** Whether it did nothing for an hour while its client process ran newer copies of the same entry. */
export function isIdleCopy({ findings, idleSince }: Instance): boolean {
  return idleSince !== undefined && copiesFinding({ findings }) !== undefined;
}

/** What is known of an idle copy: one sentence about all of them, and as the first evidence what this one did. */
export function copiesFinding({ findings }: Pick<Instance, 'findings'>): Finding | undefined {
  return findings.find(({ kind, confidence }) => kind === 'copies' && confidence !== 'unknown');
}

/** Whether two are copies of one server: the same entry, or, without an entry, the same command line. */
export function isCopyOf(other: Instance, one: Instance): boolean {
  return (
    other.id !== one.id &&
    (one.definitions.length > 0 ? other.definitions.some((id) => one.definitions.includes(id)) : other.command === one.command)
  );
}

/** Whether a server is restarted from here. An orphan would be stopped instead. */
export function isRestartedHere({ refused, steps }: Plan): boolean {
  return refused === undefined && steps.every(({ kind }) => kind !== 'manual' && kind !== 'end-tree');
}

/** What the user has to do where that is not so. */
export function ownStep({ refused, steps: [step], reason }: Plan): string {
  return refused ?? (step?.kind === 'manual' ? step.text : reason);
}
