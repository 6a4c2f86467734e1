import { isRecord } from '../../base/json.ts';
import type { ProcessTable } from '../../model/process.ts';
import { runDirOf } from '../../storage/runFolder.ts';
import type { Envelope, JsonObject } from '../message/envelope.ts';
import { failedTool } from '../message/ownAnswers.ts';
import type { GuardOptions } from '../options/guardOptions.ts';
import type { ClientsProcess, GuardPlace } from '../process/guardPlace.ts';
import { guardTable } from '../process/guardProcesses.ts';
import type { ServerProcess } from '../process/serverProcess.ts';
import type { GuardRecord } from '../publish/guardRecord.ts';
import type { Relay } from '../relay/relay.ts';
import type { CallGate, ToolCall, Verdict } from '../relay/relayContext.ts';
import type { ServerLink } from '../relay/serverLink.ts';
import { restartCure } from '../stale/restartCure.ts';
import type { ServerCode } from '../stale/serverCode.ts';
import { type GateDecision, StaleGate, type StaleReport } from '../stale/staleGate.ts';
import type { RestartHint } from '../stale/staleRefusal.ts';
import { createUpdateNote, type NotedPackage } from '../stale/updateNote.ts';
import { restartLoss } from './restartLoss.ts';
import type { RestartOutcome } from './supervisor.ts';

/** Limit for the guard's own `tools/list`, ms. */
const toolsMs = 5_000;
/** How long a call waits for an installer, ms. */
const installMs = 20_000;

/** State of a guard that serves without its resource (`--on-conflict read-only`). */
interface ReadOnly {
  /** Which process has the resource. */
  readonly text: string;
  /** Tries to take the resource. @returns undefined when this guard has it now, otherwise which process has it, or why that is unknown */
  promote(): Promise<string | undefined>;
}

interface CallGateOptions {
  readonly options: GuardOptions;
  readonly place: ClientsProcess & Pick<GuardPlace, 'others'>;
  readonly relay: Relay;
  restart(reason: string): Promise<RestartOutcome>;
  /** Whether the server is being replaced now; `restart` then gets that outcome. */
  isRestarting(): boolean;
  /** The command that restarts the server. */
  restartHint(): RestartHint;
  log(line: string): void;
  /** Called when the versions of a server become known. */
  recorded(versions: ReturnType<StaleGate['recorded']>, server: ServerProcess): void;
  /** Sets a mark of the record: `staleWrites`, at most once a second. */
  mark(name: string, value: unknown): void;
  /** Adds the update note to a result; undefined without `--update-note`. */
  readonly note: ((line: Buffer, envelope: Envelope & { readonly kind: 'response' }) => Buffer) | undefined;
}

/** Decides on calls of tools: refuses calls to stale code, and writes of a server that runs beside the holder of its resource. */
export class StdioCallGate implements CallGate {
  readonly #gate: StaleGate;
  readonly #options: CallGateOptions;
  readonly #codes = new WeakMap<ServerProcess, ServerCode | undefined>();
  readonly #table: ProcessTable = guardTable();
  #saidLoss: string | undefined;
  readOnly: ReadOnly | undefined;
  #promotion: Promise<string | undefined> | undefined;
  #renewal: Promise<RestartOutcome | 'loses state' | 'replaced'> | undefined;

  constructor(options: CallGateOptions) {
    this.#options = options;
    const { command, args, onStale, writeTools, readTools } = options.options;
    this.#gate = new StaleGate({
      policy: onStale,
      env: options.place.env,
      configured: { command, args, cwd: options.place.cwd, env: options.place.env },
      table: this.#table,
      restartHint: options.restartHint,
      log: options.log,
      staleWrites: (summary) => options.mark('staleWrites', summary),
      writeTools,
      readTools,
    });
  }

  /** Takes what was recorded right before a server was started. */
  started(code: ServerCode | undefined, server: ServerProcess): void {
    this.#codes.set(server, code);
  }

  answered(server: ServerProcess): void {
    const code = this.#codes.get(server);
    if (code) {
      void this.#gate.firstAnswer(code, server.pid).then(() => this.#options.recorded(this.#gate.recorded(code), server));
    }
  }

  serves(server: ServerProcess): void {
    const code = this.#codes.get(server);
    if (code) {
      this.#gate.serve(code);
    } else {
      this.#gate.tools.listChanged();
    }
  }

  listed(result: unknown, whole: boolean): void {
    this.#gate.tools.sawPage(result, whole);
  }

  toolsChanged(): void {
    this.#gate.tools.listChanged();
  }

  get amends(): boolean {
    return this.#options.note !== undefined;
  }

  amend(line: Buffer, envelope: Envelope & { readonly kind: 'response' }): Buffer {
    return this.#options.note ? this.#options.note(line, envelope) : line;
  }

  /** All tools are known, and none writes. */
  get onlyReads(): boolean {
    return this.#gate.tools.allRead;
  }

  report(): StaleReport {
    return this.#gate.report();
  }

  /** Each call passes, whatever is installed. */
  get isOff(): boolean {
    return !this.readOnly && this.#gate.isFree();
  }

  admit(call: ToolCall, final: boolean): Verdict | Promise<Verdict> {
    if (this.readOnly) {
      return this.#besideHolder(call, final, this.readOnly);
    }
    return this.#gate.isFree(call.tool) ? 'pass' : this.#checkStale(call, final);
  }

  #besideHolder(call: ToolCall, final: boolean, readOnly: ReadOnly): Verdict | Promise<Verdict> {
    const kind = this.#gate.tools.kindOf(call.tool);
    if (kind === 'unknown' && !final) {
      return this.#askTools().then(() => this.#admitKnown(call));
    }
    // A tool that the server does not list may exist and write.
    if (kind !== 'read') {
      return final ? this.#refuseWrite(readOnly) : this.#promoted(call, readOnly);
    }
    return this.#checkStale(call, final);
  }

  async #admitKnown(call: ToolCall): Promise<Verdict> {
    const kind = this.#gate.tools.kindOf(call.tool);
    return this.readOnly && kind !== 'read' ? this.#promoted(call, this.readOnly) : this.#checkStale(call, false);
  }

  async #promoted(call: ToolCall, readOnly: ReadOnly): Promise<Verdict> {
    // One attempt for all waiting calls: a second one would find the resource held by this guard.
    this.#promotion ??= readOnly.promote().finally(() => {
      this.#promotion = undefined;
    });
    const text = await this.#promotion;
    this.readOnly = text === undefined ? undefined : { ...readOnly, text };
    return this.readOnly ? this.#refuseWrite(this.readOnly) : this.#checkStale(call, false);
  }

  #refuseWrite({ text }: ReadOnly): Verdict {
    const modern = this.#options.relay.memory.isModern;
    return {
      answer: failedTool(
        `Not executed, nothing was written: ${text}. This server runs beside it and only reads. Close the other one and repeat the call: each call tries again to get the resource.`,
        modern,
      ),
    };
  }

  #checkStale(call: ToolCall, final: boolean): Verdict | Promise<Verdict> {
    const params = new CallParams(call);
    const decision = this.#gate.call({ params, ...(final ? { asked: true, patient: false } : {}) });
    return verdictOf(decision) ?? this.#decideLater(params, decision);
  }

  /** Reads the tools, waits or restarts until the gate decides. */
  async #decideLater(params: CallParams, first: GateDecision): Promise<Verdict> {
    const until = performance.now() + installMs;
    let asked = false;
    let patient = true;
    let notRestarted: string | undefined;
    for (let decision = first; ; decision = this.#gate.call({ params, asked, patient, notRestarted })) {
      const verdict = verdictOf(decision);
      if (verdict) {
        return verdict;
      }
      if (decision.action === 'ask-tools') {
        await this.#askTools();
        asked = true;
      } else if (decision.action === 'restart') {
        // One attempt for all waiting calls: a second look at what a restart loses would see a server that is just being replaced.
        this.#renewal ??= this.#renew(decision.reason).finally(() => {
          this.#renewal = undefined;
        });
        const outcome = await this.#renewal;
        if (outcome === 'loses state') {
          patient = false;
        } else if (outcome !== 'replaced') {
          if (outcome.status === 'failed') {
            if (!outcome.kept) {
              // No stale server runs now: the relay holds the call for the next server, or answers it with the reason.
              return 'pass';
            }
            notRestarted = outcome.reason;
          }
          // After a failed restart the call is refused, with the restart hint.
          patient = patient && outcome.status === 'restarted';
        }
      } else if (decision.action === 'wait') {
        await new Promise((resolve) => setTimeout(resolve, decision.ms));
        patient = patient && performance.now() < until;
      }
    }
  }

  /** Restarts a stale server, unless `--on-stale auto` finds that this loses something, or another one serves by then. */
  async #renew(reason: string): Promise<RestartOutcome | 'loses state' | 'replaced'> {
    const { relay, isRestarting, restart } = this.#options;
    const { current } = relay;
    if (current && !isRestarting()) {
      const losesState = await this.#losesState(current);
      if (relay.current && relay.current !== current) {
        return 'replaced';
      }
      if (losesState && !isRestarting()) {
        return 'loses state';
      }
    }
    return restart(reason);
  }

  /** With `--on-stale auto`: whether a restart now could lose something. The reason is logged once. */
  async #losesState(link: ServerLink): Promise<boolean> {
    const { options, place, relay, log } = this.#options;
    if (options.onStale !== 'auto') {
      return false;
    }
    const others = [...(place.others?.() ?? [])].flatMap(({ current, memory }) => (current ? [{ link: current, memory }] : []));
    const loss = await restartLoss(link, relay.memory, this.#table, options.drainMs, others);
    if (loss !== undefined && loss !== this.#saidLoss) {
      log(`not restarted by itself: ${loss}`);
    }
    this.#saidLoss = loss;
    return loss !== undefined;
  }

  async #askTools(): Promise<void> {
    await this.#gate.tools.ask(async (params) => {
      const { current, memory } = this.#options.relay;
      const answer = await current?.ask('tools/list', memory.ownParams(params), toolsMs);
      if (answer?.status !== 'result') {
        throw new Error('no list');
      }
      return answer.result;
    });
  }
}

function verdictOf(decision: GateDecision): Verdict | undefined {
  return decision.action === 'pass' ? 'pass' : decision.action === 'refuse' ? { answer: decision.answer } : undefined;
}

/** `params` of a call. A large call is parsed only when more than the name is read. A class, because an object literal with getters costs each call 2 µs. */
class CallParams {
  readonly name: string;
  readonly #envelope: ToolCall['envelope'];

  constructor({ tool, envelope }: ToolCall) {
    this.name = tool;
    this.#envelope = envelope;
  }

  get _meta(): unknown {
    return this.#rest._meta;
  }

  get task(): unknown {
    return this.#rest.task;
  }

  get #rest(): JsonObject {
    const params = this.#envelope.body.value()?.params;
    return isRecord(params) ? params : {};
  }
}

interface CallGateParts extends Omit<CallGateOptions, 'restartHint' | 'note' | 'mark'> {
  /** PID of the current server, or of its launcher. */
  readonly serving: () => number;
  /** The package that it was recorded to have loaded. */
  readonly running: () => NotedPackage | undefined;
  /** The guard's record, once it is published; the promise has none where it cannot be. */
  readonly record: () => Promise<GuardRecord | undefined> | undefined;
}

/** Makes the gate of one session. Loaded by `import()` while the server starts. */
export function createCallGate(parts: CallGateParts): StdioCallGate {
  const { options, serving, running } = parts;
  const { env } = parts.place;
  const runFolder = runFolderOf(options, env);
  // A guard that is just being published is found by the time that a person types the command.
  let unpublished = false;
  return new StdioCallGate({
    ...parts,
    restartHint: () => {
      void parts.record()?.then((record) => {
        unpublished = record === undefined;
      });
      const step = 'disconnect it in your client and connect it again';
      return restartCure(['restart', String(serving())], runFolder, { env, unpublished, step });
    },
    mark: (name, value) => void parts.record()?.then((record) => record?.mark(name, value)),
    note: options.updateNote && runFolder ? createUpdateNote({ runDir: runFolder.path, running }) : undefined,
  });
}

/** Undefined when `MCP_RUN_DIR` is not valid: then the guard is not published either, and reports that there. */
function runFolderOf(options: GuardOptions, env: ClientsProcess['env']): ReturnType<typeof runDirOf> | undefined {
  try {
    return runDirOf(env, options.runDir);
  } catch {
    return undefined;
  }
}
