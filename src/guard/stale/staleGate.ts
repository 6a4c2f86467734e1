import { errorName } from '../../base/errors.ts';
import type { ProcessRow, ProcessTable } from '../../model/process.ts';
import type { StaleMode } from '../../model/staleMode.ts';
import { CodeCheck } from './codeCheck.ts';
import { type CodeState, type DriftedPackage, driftKey } from './codeDrift.ts';
import { KnownTools, type ToolKind, type ToolLists } from './knownTools.ts';
import { packageOfProcess, runningPackage } from './runningPackage.ts';
import type { ServerCode } from './serverCode.ts';
import { allowStaleVariable, allowsStale, needsCheck, ruleCall } from './stalePolicy.ts';
import { driftText, type RestartHint, staleRefusal, type ToolRefusal, toolName } from './staleRefusal.ts';

/** Says everything once: a client may repeat a refused call for hours. */
export class GateLog {
  readonly #write: (line: string) => void;
  readonly #said = new Map<string, string>();

  /** @param write takes one line; what it throws is swallowed */
  constructor(write: (line: string) => void) {
    this.#write = (line) => {
      try {
        write(line);
      } catch {
        // A log that cannot be written stops no call.
      }
    };
  }

  /** One line for each kind until it is another one. */
  once(kind: string, line: string): void {
    if (this.#said.get(kind) !== line) {
      this.#said.set(kind, line);
      this.#write(line);
    }
  }

  /** Why nothing can be compared. */
  unknown(reason: string): void {
    this.once('unknown', `its packages are not compared: ${reason}`);
  }

  /** One line for each distinct drift, for each thing that cannot be compared, and when all is well again. */
  state(state: CodeState): void {
    if (state.state === 'unreadable' || state.unreadable.length > 0) {
      const names = state.unreadable.length === 0 ? '' : `: ${state.unreadable.join(', ')}`;
      this.once('unreadable', `not compared${names} (${state.state === 'unreadable' ? state.reason : 'the metadata cannot be read'})`);
    } else {
      this.#said.delete('unreadable');
    }
    const key = state.state === 'changed' ? driftKey(state.packages) : '';
    const known = this.#said.get('drift') ?? '';
    if (state.state === 'changed' && key !== known) {
      this.#said.set('drift', key);
      this.#write(`stale: ${state.packages.map(driftText).join('; ')}`);
    } else if (state.state === 'unchanged' && known !== '') {
      this.#said.set('drift', '');
      this.#write('no longer stale: what it runs is what is installed');
    }
  }
}

export interface StaleGateOptions extends ToolLists {
  readonly policy: StaleMode;
  /** What the server was given; no value of it is kept. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** For finding the server below a launcher. */
  readonly table: ProcessTable;
  /** The command that restarts this server through the guard, as a person would type it ("mcp-shepherd restart 4711"). Asked at each refusal. */
  readonly restartHint: () => RestartHint;
  /** One line for each new thing, without secrets; for stderr. */
  readonly log: (line: string) => void;
}

/** What to do with one `tools/call`. */
export type GateDecision =
  | { readonly action: 'pass' }
  /** Answer it with this, and do not pass it on. */
  | { readonly action: 'refuse'; readonly answer: ToolRefusal }
  /**
   * Whether this tool writes decides, and is not known: call `tools.ask` with a function that sends `tools/list` with these params to the server under a
   * private id and resolves with the `result`, with a limit of a few seconds; then ask `call` again with `asked: true`. Other messages go on meanwhile.
   */
  | { readonly action: 'ask-tools' }
  /** Restart the server (drain, stop, start, replay) and ask again: then it passes. `reason` is for log and record. */
  | { readonly action: 'restart'; readonly reason: string }
  /** Files are being replaced right now: hold the call, ask again after so many ms. Bound it (20 s): then refuse by asking with `patient: false`. */
  | { readonly action: 'wait'; readonly ms: number };

export interface CallQuestion {
  /** `params` of the request as parsed. */
  readonly params: unknown;
  /** The server was asked about its tools for this call already. */
  readonly asked?: boolean;
  /** False: do not answer `wait` or `restart`, but refuse. */
  readonly patient?: boolean;
  /** Why a restart for this call did not come about; for the refusal. */
  readonly notRestarted?: string | undefined;
}

/** What a status shows. Versions are version-shaped, names are package names: safe to print. */
export interface StaleReport {
  readonly policy: StaleMode;
  readonly stale: boolean;
  readonly packages: readonly {
    readonly package: string;
    readonly serving: string;
    readonly installed: string;
    readonly change: DriftedPackage['how'];
  }[];
  /** Names of packages that cannot be compared right now. */
  readonly unreadable: readonly string[];
  /** The child runs its source in place, and this file of it was written since the start. A warning: it may hold what it held before. */
  readonly editedSource?: string;
  /** Why nothing is compared ("no baseline"). */
  readonly uncompared?: string;
  /** The variable that keeps the gate open. */
  readonly gateDisabledBy?: string;
  /** The check itself failed; calls pass. */
  readonly fault?: string;
  readonly refusedCalls: number;
}

/** What the record says of a child; fields of Instance Lock Protocol 1, 4.6. */
export interface RecordCode {
  readonly package?: { readonly ecosystem: string; readonly name: string; readonly version?: string; readonly root: string };
  readonly deps?: { readonly versions: Readonly<Record<string, string>> };
}

/**
 * Decides over calls to a server whose package, or a package that it requires, was replaced under it. For the guard:
 *
 * 1. `CodeRecorder.starting()` right before each spawn; it records what the command would load.
 * 2. `firstAnswer(child, pid)` when the child's first answer arrived (to `initialize` or `server/discover`), before that answer is passed on if that is no
 *    trouble: it records what the child did load, npx and uvx included. On Linux it is done before the next message is read.
 * 3. `serve(child)` when this child's answers go to the client from now on (after the first spawn at once; with overlap when the new one takes over).
 * 4. `call(…)` synchronously for each `tools/call`, right before it would be passed on. One without an id can have no answer: ask with `asked` and not
 *    `patient`, and drop it where it is refused. Of a batch each call by itself.
 * 5. `tools.sawPage(result)` for each result of the client's own `tools/list`, `tools.listChanged()` for `notifications/tools/list_changed` of the server.
 * 6. `report()` and `recorded(child)` for status and record, whenever.
 *
 * Nothing of it throws, and nothing of it goes on line. Whatever fails lets the call pass and is reported.
 */
export class StaleGate {
  readonly tools: KnownTools;
  readonly #options: StaleGateOptions;
  readonly #log: GateLog;
  #serving: CodeCheck | undefined;
  #fault: string | undefined;
  #refusedCalls = 0;
  #saidUnknown: string | undefined;
  #sourceAt = Number.NEGATIVE_INFINITY;

  constructor(options: StaleGateOptions) {
    this.#options = options;
    this.#log = new GateLog(options.log);
    this.tools = new KnownTools(options);
  }

  /** In place of `firstAnswer`: a server that somebody else started, and that may have run for long. @param child without a record so far */
  async recordExternal(child: ServerCode, row: ProcessRow): Promise<void> {
    const found = await packageOfProcess(row, this.#options.table);
    this.#safely(() => child.record(found, row.startedAt));
  }

  async firstAnswer(child: ServerCode, pid: number): Promise<void> {
    const found = await runningPackage(pid, this.#options.table);
    this.#safely(() => child.record(found));
  }

  serve(child: ServerCode | undefined): void {
    if (this.#serving?.child !== child) {
      this.tools.listChanged();
      this.#serving = child && new CodeCheck(child);
    }
  }

  /** Whether calls of a tool pass whatever is installed, as far as is known now: no file has to be looked at for them, and nothing else of the call. */
  isFree(tool: string): boolean {
    return this.#isFree(tool, this.tools.kindOf(tool));
  }

  #isFree(tool: string, kind: ToolKind): boolean {
    const serving = this.#serving;
    return tool === '' || !serving || !needsCheck(this.#options.policy, kind) || this.#isUncompared(serving.child);
  }

  /** Nothing is known that could be compared, which is said once. */
  #isUncompared({ unknown }: ServerCode): boolean {
    if (unknown !== undefined && unknown !== this.#saidUnknown) {
      this.#saidUnknown = unknown;
      this.#log.unknown(unknown);
    }
    return unknown !== undefined;
  }

  call(question: CallQuestion): GateDecision {
    return this.#safely(() => this.#rule(question)) ?? pass;
  }

  report(): StaleReport {
    const { policy } = this.#options;
    const child = this.#serving?.child;
    const state = this.#safely(() => this.#serving?.check());
    const edited = this.#safely(() => child?.editedSource());
    const changed = state?.state === 'changed' ? state.packages : [];
    const uncompared = child ? (child.unknown ?? (state?.state === 'unreadable' ? state.reason : undefined)) : 'no server runs';
    return {
      policy,
      stale: changed.length > 0,
      packages: changed.map(({ name, serving, installed, how }) => ({ package: name, serving, installed, change: how })),
      unreadable: state?.unreadable ?? [],
      ...(edited === undefined ? {} : { editedSource: edited }),
      ...(uncompared === undefined ? {} : { uncompared }),
      ...(this.#isOpen() ? { gateDisabledBy: allowStaleVariable } : {}),
      ...(this.#fault === undefined ? {} : { fault: this.#fault }),
      refusedCalls: this.#refusedCalls,
    };
  }

  recorded(child: ServerCode): RecordCode {
    const { ref, loaded } = child;
    const [own, ...dependencies] = loaded?.packages ?? [];
    if (!ref || !own) {
      return {};
    }
    const ecosystem = own.ecosystem === 'python' ? 'pypi' : 'npm';
    const versions = dependencies.slice(0, 500).flatMap((item) => (item.version === undefined ? [] : [[item.name, item.version] as const]));
    return {
      package: { ecosystem, name: own.name, ...(own.version === undefined ? {} : { version: own.version }), root: ref.environment },
      ...(versions.length > 0 ? { deps: { versions: Object.fromEntries(versions) } } : {}),
    };
  }

  #rule({ params, asked = false, patient = true, notRestarted }: CallQuestion): GateDecision {
    const { policy, restartHint } = this.#options;
    const tool = toolName(params);
    const kind = this.tools.kindOf(tool);
    // Without a name the server has its own answer to it.
    if (this.#isFree(tool, kind) || !this.#serving) {
      return pass;
    }
    const state = this.#serving.check();
    this.#log.state(state);
    this.#lookAtSource(this.#serving.child);
    const ruled = ruleCall(policy, kind, asked, state);
    if (ruled.ruling === 'pass') {
      return pass;
    }
    if (this.#isOpen()) {
      this.#log.once('open', `${allowStaleVariable} is set: calls pass although the server is stale`);
      return pass;
    }
    if (ruled.ruling === 'ask-tools') {
      return { action: 'ask-tools' };
    }
    if (patient && ruled.ruling === 'restart') {
      return { action: 'restart', reason: ruled.packages.map(driftText).join('; ') };
    }
    if (patient && ruled.ruling === 'wait') {
      return { action: 'wait', ms: waitMs };
    }
    this.#refusedCalls += 1;
    const readsPass = !needsCheck(policy, 'read');
    return {
      action: 'refuse',
      answer: staleRefusal({ params, packages: ruled.packages, restartHint: restartHint(), readsPass, notRestarted }),
    };
  }

  /** After the call was passed on, and not at each: it looks at every source file of an editable install. */
  #lookAtSource(child: ServerCode): void {
    if (child.ref?.editable === true && performance.now() - this.#sourceAt > sourceMs) {
      this.#sourceAt = performance.now();
      setImmediate(() => {
        const edited = this.#safely(() => child.editedSource());
        if (edited !== undefined) {
          this.#log.once('source', `its source was edited since it started (${edited}); a restart loads it`);
        }
      }).unref();
    }
  }

  #isOpen(): boolean {
    return allowsStale(this.#options.env);
  }

  /** A fault of ours must not stop a call. */
  #safely<T>(act: () => T): T | undefined {
    try {
      return act();
    } catch (error) {
      this.#fault = `the check for replaced packages failed (${errorName(error)}); calls pass`;
      this.#log.once('fault', this.#fault);
      return undefined;
    }
  }
}

const pass: GateDecision = { action: 'pass' };
/** As long as an installer may pause between two files. */
const waitMs = 250;
const sourceMs = 5_000;

/** Makes the gate of one guard. */
export function createStaleGate(options: StaleGateOptions): StaleGate {
  return new StaleGate(options);
}
