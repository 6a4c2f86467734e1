import type { Instance } from '../../model/snapshot.ts';

export type Verb = 'restart' | 'stop' | 'end';

/** The one running server that a plan is about, as it was seen when the plan was made. */
export interface ActionTarget {
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
  readonly target: ActionTarget;
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
export interface PlanContext {
  /** Addresses of the opencode processes that answer for their servers, by PID. */
  readonly opencodes?: ReadonlyMap<number, string>;
  /** By port. */
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
    ...(instance.listens ? { listens: true } : {}),
  };
}

/** What is said in a plan beside what it is about. */
export type PlanPart = Omit<Plan, 'schema' | 'verb' | 'target'>;

/** Why it must not be done at all. */
export function refusedPlan(reason: string): PlanPart {
  return { reason, steps: [], risks: [], verify: 'nothing', confirm: 'no', refused: reason };
}

/** Whether plans may be carried out on a second yes only. @param last clients' servers of which nothing would be left (`lastCopies`) */
export function needsSecondYes(plans: readonly Plan[], last: readonly string[]): boolean {
  return last.length > 0 || plans.some((plan) => plan.confirm === 'twice');
}
