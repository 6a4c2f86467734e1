import { errorName } from '../../base/errors.ts';
import type { ProcessRow, ProcessTable } from '../../model/process.ts';
import type { StaleMode } from '../../model/staleMode.ts';
import type { FollowedCommand } from '../../package/resolve/followedCommand.ts';
import { CodeCheck, editedSource, followed } from './codeCheck.ts';
import { type CodeState, type DriftedPackage, driftKey } from './codeDrift.ts';
import type { ConfiguredCommand } from './configuredPackage.ts';
import { KnownTools, type ToolKind, type ToolLists } from './knownTools.ts';
import { packageOfProcess, runningPackage } from './runningPackage.ts';
import type { ServerCode } from './serverCode.ts';
import { allowStaleVariable, allowsStale, needsCheck, readsPass, ruleCall } from './stalePolicy.ts';
import { driftText, type RestartHint, staleRefusal, type ToolRefusal, toolName } from './staleRefusal.ts';
import { type StaleWriteSummary, StaleWrites } from './staleWrites.ts';

/** Logs each fact once: a client may repeat a refused call for hours. */
class GateLog {
  readonly #write: (line: string) => void;
  readonly #said = new Map<string, string>();

  /** @param write takes one line; its errors are ignored */
  constructor(write: (line: string) => void) {
    this.#write = (line) => {
      try {
        write(line);
      } catch {
        // A log that cannot be written must not stop a call.
      }
    };
  }

  /** Logs a line of one kind unless it equals the last line of that kind. */
  once(kind: string, line: string): void {
    if (this.#said.get(kind) !== line) {
      this.#said.set(kind, line);
      this.#write(line);
    }
  }

  /** Logs why nothing can be compared. */
  unknown(reason: string): void {
    this.once('unknown', `its packages are not compared: ${reason}`);
  }

  /** Logs each new change, each package that cannot be compared, the end of a stale state, and why it is not known what a restart would start. */
  state(state: CodeState, lost?: string): void {
    if (lost === undefined) {
      this.#said.delete('lost');
    } else {
      this.once('lost', `what a restart would start is not known: ${lost}`);
    }
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

interface StaleGateOptions extends ToolLists {
  readonly policy: StaleMode;
  /** The environment of the guard. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** The command that a restart runs; undefined for a server that the guard does not start. */
  readonly configured: ConfiguredCommand | undefined;
  /** Finds the server below a launcher. */
  readonly table: ProcessTable;
  /** How to restart this server ("mcp-shepherd restart 4711"). Called at each refusal. */
  readonly restartHint: () => RestartHint;
  /** Gets the lines of the log, without secrets. */
  readonly log: (line: string) => void;
  /** Gets writing calls that passed while it was stale. */
  readonly staleWrites?: (summary: StaleWriteSummary) => void;
}

/** The decision on one `tools/call`. */
export type GateDecision =
  | { readonly action: 'pass' }
  /** Answer it with this, and do not forward it. */
  | { readonly action: 'refuse'; readonly answer: ToolRefusal }
  /**
   * The decision depends on whether this tool writes, which is not known: call `tools.ask` with a function that sends `tools/list` to the server under a private
   * id, with a limit of a few seconds. Then call `call` again with `asked: true`. Other messages continue in the meantime.
   */
  | { readonly action: 'ask-tools' }
  /**
   * Restart the server and ask again: then the call passes. `reason` is for log and record. With the policy `auto` only where that loses nothing; otherwise ask
   * again with `patient: false`.
   */
  | { readonly action: 'restart'; readonly reason: string }
  /** An installer is at work: hold the call and ask again after `ms`; after 20 s with `patient: false`, which refuses. */
  | { readonly action: 'wait'; readonly ms: number };

interface CallQuestion {
  /** `params` of the request as parsed. */
  readonly params: unknown;
  /** The server's tools were already read for this call. */
  readonly asked?: boolean;
  /** False: refuse instead of `wait` or `restart`. */
  readonly patient?: boolean;
  /** Why a restart for this call failed; for the refusal. */
  readonly notRestarted?: string | undefined;
}

/** The state for a status display. Its texts are safe to print. */
export interface StaleReport {
  readonly policy: StaleMode;
  readonly stale: boolean;
  readonly packages: readonly {
    readonly package: string;
    readonly serving: string;
    readonly installed: string;
    readonly change: DriftedPackage['how'];
  }[];
  /** Names of packages that cannot be compared now. */
  readonly unreadable: readonly string[];
  /** A source file of an editable install that was written since the start. Only a warning: its content may be the same. */
  readonly editedSource?: string;
  /** Why it is not known what a restart would start: the command leads to no package now, although it did. */
  readonly lost?: string;
  /** Why nothing is compared ("no baseline"). */
  readonly uncompared?: string;
  /** The variable that lets all calls pass. */
  readonly gateDisabledBy?: string;
  /** The check itself failed; calls pass. */
  readonly fault?: string;
  readonly refusedCalls: number;
}

/** The package and its dependencies as the record states them (docs/instance-lock-protocol.md, 4.6). */
interface RecordCode {
  readonly package?: { readonly ecosystem: string; readonly name: string; readonly version?: string; readonly root: string };
  readonly deps?: { readonly versions: Readonly<Record<string, string>> };
}

/**
 * Decides on calls to a server whose package, or a dependency of it, was replaced while it runs. Used by a guard in this order:
 *
 * 1. `CodeRecorder.beforeStart()` right before each spawn records what the command would load.
 * 2. `firstAnswer(code, pid)` when the server's first answer arrived, and if possible before it is forwarded, records what the server did load, npx and uvx
 *    included. On Linux this is done before the next message is read.
 * 3. `serve(code)` when new requests go to this server (after the first spawn at once; with overlap when the new one takes over).
 * 4. `call(…)` synchronously for each `tools/call`, right before it would be forwarded. For a call without an id, which cannot be answered, pass `asked: true`
 *    and `patient: false`, and drop it when it is refused. Each call of a batch is decided by itself.
 * 5. `tools.sawPage(result)` for each result of the client's own `tools/list`, `tools.listChanged()` for `notifications/tools/list_changed` of the server.
 * 6. `report()` and `recorded(code)` at any time, for status and record.
 *
 * No method throws or uses the network. When a check fails, the call passes and the failure is reported.
 */
export class StaleGate {
  readonly tools: KnownTools;
  readonly #options: StaleGateOptions;
  readonly #log: GateLog;
  readonly #way: FollowedCommand | undefined;
  readonly #staleWrites = new StaleWrites((summary) => this.#options.staleWrites?.(summary));
  #serving: CodeCheck | undefined;
  #fault: string | undefined;
  #refusedCalls = 0;
  #saidUnknown: string | undefined;
  #sourceAt = Number.NEGATIVE_INFINITY;

  constructor(options: StaleGateOptions) {
    this.#options = options;
    this.#log = new GateLog(options.log);
    this.tools = new KnownTools(options);
    this.#way = options.configured && options.policy !== 'off' ? followed(options.configured) : undefined;
  }

  /** Instead of `firstAnswer`, for a server that the guard did not start and that may have run for long. @param code without a record so far */
  async recordExternal(code: ServerCode, row: ProcessRow): Promise<void> {
    const found = await packageOfProcess(row, this.#options.table);
    this.#safely(() => code.record(found, row.startedAt));
  }

  async firstAnswer(code: ServerCode, pid: number): Promise<void> {
    const found = await runningPackage(pid, this.#options.table);
    this.#safely(() => code.record(found));
    if (this.#serving?.code === code) {
      // Where the command leads now shows later whether it leads elsewhere.
      this.#safely(() => this.#serving?.check());
    }
  }

  serve(code: ServerCode | undefined): void {
    if (this.#serving?.code !== code) {
      this.tools.listChanged();
      this.#serving = code && new CodeCheck(code, this.#way);
    }
  }

  /** Whether calls of a tool, or without its name of each one, pass whatever is installed, so that no file has to be read for them. */
  isFree(tool?: string): boolean {
    return this.#isFree(tool ?? '*', tool === undefined ? 'write' : this.tools.kindOf(tool));
  }

  #isFree(tool: string, kind: ToolKind): boolean {
    const serving = this.#serving;
    return tool === '' || !serving || !needsCheck(this.#options.policy, kind) || this.#isUncompared(serving.code);
  }

  /** Whether nothing can be compared; the reason is logged once. */
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
    const code = this.#serving?.code;
    const state = this.#safely(() => this.#serving?.check());
    const edited = this.#safely(() => code && editedSource(code));
    const lost = this.#serving?.lost;
    const changed = state?.state === 'changed' ? state.packages : [];
    const uncompared = code ? (code.unknown ?? (state?.state === 'unreadable' ? state.reason : undefined)) : 'no server runs';
    return {
      policy,
      stale: changed.length > 0,
      packages: changed.map(({ name, serving, installed, how }) => ({ package: name, serving, installed, change: how })),
      unreadable: state?.unreadable ?? [],
      ...(edited === undefined ? {} : { editedSource: edited }),
      ...(lost === undefined ? {} : { lost }),
      ...(uncompared === undefined ? {} : { uncompared }),
      ...(this.#isOpen() ? { gateDisabledBy: allowStaleVariable } : {}),
      ...(this.#fault === undefined ? {} : { fault: this.#fault }),
      refusedCalls: this.#refusedCalls,
    };
  }

  recorded(code: ServerCode): RecordCode {
    const { ref, loaded } = code;
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
    // A call without a name is rejected by the server itself.
    if (this.#isFree(tool, kind) || !this.#serving) {
      return pass;
    }
    const state = this.#serving.check();
    this.#log.state(state, this.#serving.lost);
    this.#checkSource(this.#serving.code);
    const ruled = ruleCall(policy, kind, asked, state, patient);
    const open = ruled.ruling !== 'pass' && this.#isOpen();
    if (open) {
      this.#log.once('open', `${allowStaleVariable} is set: calls pass although the server is stale`);
    }
    if (open || ruled.ruling === 'pass') {
      if (state.state === 'changed' && kind !== 'read') {
        this.#staleWrites.note(tool);
      }
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
    return {
      action: 'refuse',
      answer: staleRefusal({ params, packages: ruled.packages, restartHint: restartHint(), readsPass: readsPass(policy), notRestarted }),
    };
  }

  /** Reads the times of all source files of an editable install: after the call was forwarded, and at most every 5 s. */
  #checkSource(code: ServerCode): void {
    if (code.ref?.editable === true && performance.now() - this.#sourceAt > sourceMs) {
      this.#sourceAt = performance.now();
      setImmediate(() => {
        const edited = this.#safely(() => editedSource(code));
        if (edited !== undefined) {
          this.#log.once('source', `its source was edited since it started (${edited}); a restart loads it`);
        }
      }).unref();
    }
  }

  #isOpen(): boolean {
    return allowsStale(this.#options.env);
  }

  /** A fault of the check must not stop a call. */
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
/** Pause before a call that waits for an installer is decided again, ms. */
const waitMs = 250;
/** Least time between two checks of an editable source, ms. */
const sourceMs = 5_000;
