import { reasonOf } from '../../../base/errors.ts';
import { settlesWithin } from '../../../base/settlesWithin.ts';
import type { ProcessRow, ProcessTable } from '../../../model/process.ts';
import type { HttpGuardOptions } from '../../options/httpOptions.ts';
import { RestartLimit } from '../../process/restartLimit.ts';
import type { CodeRecorder } from '../../stale/codeRecorder.ts';
import type { ConfiguredCommand } from '../../stale/configuredPackage.ts';
import type { ServerCode } from '../../stale/serverCode.ts';
import { StaleGate, type StaleReport } from '../../stale/staleGate.ts';
import type { RestartHint, ToolRefusal } from '../../stale/staleRefusal.ts';
import type { StaleWriteSummary } from '../../stale/staleWrites.ts';
import { faultCode, rpcError } from '../session/faults.ts';
import type { ToolPage } from '../session/listReader.ts';
import type { GatedCall } from '../session/sessionRequest.ts';
import type { RequestId } from '../transport/clientMessage.ts';
import { ownRequest } from '../transport/ownRequest.ts';
import type { Upstream } from '../transport/upstream.ts';
import type { ExternalServer } from './externalServer.ts';

interface StaleCallsOptions {
  readonly options: HttpGuardOptions;
  readonly upstream: Upstream;
  readonly table: ProcessTable;
  /** Restarts the server; rejects when that failed. Undefined when the guard cannot restart it. */
  readonly restart: ((reason: string) => Promise<void>) | undefined;
  /** How to restart the server. */
  readonly restartHint: () => RestartHint;
  /** For a server that the guard did not start. */
  readonly external?: Pick<ExternalServer, 'settled' | 'read'>;
  readonly log: (line: string) => void;
  /** Gets the writing calls that passed while the server was stale, at most once a second. */
  readonly staleWrites?: (summary: StaleWriteSummary) => void;
}

/** A call waits for an installer or a restart no longer than this, ms. */
const patienceMs = 20_000;

/** Checks calls against the code that the server runs: the stale gate of the stdio guard, for calls over HTTP. */
export class StaleCalls {
  readonly #gate: StaleGate;
  #recorder: Promise<CodeRecorder> | undefined;
  readonly #options: StaleCallsOptions;
  readonly #configured: ConfiguredCommand | undefined;
  readonly #limit = new RestartLimit();
  #restarting: Promise<void> | undefined;
  #code: ServerCode | undefined;

  constructor(options: StaleCallsOptions) {
    this.#options = options;
    const { command, args, onStale, writeTools, readTools } = options.options;
    this.#configured = command === undefined ? undefined : { command, args, cwd: process.cwd(), env: process.env };
    this.#gate = new StaleGate({
      policy: onStale,
      env: process.env,
      configured: this.#configured,
      table: options.table,
      restartHint: options.restartHint,
      log: options.log,
      staleWrites: (summary) => options.staleWrites?.(summary),
      writeTools,
      readTools,
    });
  }

  /** Records the code on disk. Call right before a server is started. */
  async beforeStart(): Promise<ServerCode> {
    return (await this.#openRecorder()).beforeStart();
  }

  /** Loaded by `import()` here as in the stdio guard, so that it is one piece of the program. The start of the server needs it. */
  #openRecorder(): Promise<CodeRecorder> {
    this.#recorder ??= import('../../stale/codeRecorder.ts').then(({ CodeRecorder }) => new CodeRecorder(this.#configured));
    return this.#recorder;
  }

  /** Reads the code of an external server, in place of `beforeStart` and `accepted`. */
  async recordExternal(row: ProcessRow): Promise<ServerCode> {
    const code = (await this.#openRecorder()).unrecorded();
    await this.#gate.recordExternal(code, row);
    return code;
  }

  /** A started server accepts connections. */
  async accepted(code: ServerCode, pid: number): Promise<void> {
    await this.#gate.firstAnswer(code, pid);
  }

  /** Calls go to the server with this code from now on. */
  serve(code: ServerCode | undefined): void {
    this.#code = code;
    this.#gate.serve(code);
  }

  /** A client got a page of tools. */
  listed({ result, whole }: ToolPage): void {
    this.#gate.tools.sawPage(result, whole);
  }

  /** The server said that its tools changed. */
  toolsChanged(): void {
    this.#gate.tools.listChanged();
  }

  /** Every tool is known and only reads, so that two servers may run at the same time. */
  get allRead(): boolean {
    return this.#gate.tools.allRead;
  }

  /** Version of the running server; undefined when it is not known. */
  get version(): string | undefined {
    return this.#code && this.#gate.recorded(this.#code).package?.version;
  }

  /** Fields of the guard's record about the running server. */
  get recorded(): ReturnType<StaleGate['recorded']> {
    return this.#code ? this.#gate.recorded(this.#code) : {};
  }

  report(): StaleReport {
    return this.#gate.report();
  }

  /** Lets calls pass, at once or after a restart, or refuses them. @returns whether they were answered */
  async hold(call: GatedCall): Promise<boolean> {
    const { message } = call.exchange;
    const answers = new Map<RequestId, object>();
    for (const { id, params } of message?.toolCalls ?? []) {
      const answer = await this.#decide(call, params);
      if (answer === 'aborted') {
        return true;
      }
      if (answer) {
        answers.set(id, answer);
      }
    }
    if (answers.size === 0) {
      return false;
    }
    // A batch (revision 2025-03-26) passes as a whole or not at all.
    const all = (message?.requestIds ?? []).map((id) =>
      answers.has(id)
        ? { jsonrpc: '2.0', id, ...answers.get(id) }
        : rpcError(id, faultCode, 'Not executed: another call of the same batch was refused. Send this one by itself.', { executed: 'no' }),
    );
    const body = JSON.stringify(message?.single ? all[0] : all);
    call.response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }).end(body);
    return true;
  }

  /** @returns the refusal; undefined when the call may pass; `aborted` when the client disconnected */
  async #decide(call: GatedCall, params: unknown): Promise<ToolRefusal | 'aborted' | undefined> {
    const start = performance.now();
    const { external, restart } = this.#options;
    let asked = false;
    let restarted = restart === undefined;
    let readAgain = external === undefined;
    await external?.settled();
    for (;;) {
      // A version that does not start, or is replaced repeatedly, must not be started again for every call.
      const patient = !restarted && performance.now() - start < patienceMs && !this.#limit.isStorm(performance.now());
      const decision = this.#gate.call({ params, asked, patient });
      if (!readAgain && decision.action !== 'pass') {
        // The server may have been replaced without a connection that ended.
        readAgain = true;
        await external?.read();
        continue;
      }
      switch (decision.action) {
        case 'pass':
          return undefined;
        case 'refuse':
          return decision.answer;
        case 'ask-tools':
          asked = true;
          await this.#gate.tools.ask((page) => this.#page(call, page));
          break;
        case 'restart':
          restarted = true;
          await this.#restartOnce(decision.reason);
          await external?.read();
          break;
        case 'wait':
          await settlesWithin(new Promise(() => {}), decision.ms, call.exchange.signal);
          if (call.exchange.signal.aborted) {
            return 'aborted';
          }
      }
    }
  }

  #restartOnce(reason: string): Promise<void> {
    this.#restarting ??= (async () => {
      const pause = this.#limit.pauseMs(performance.now());
      if (pause > 0) {
        await settlesWithin(new Promise(() => {}), pause);
      }
      this.#limit.note(performance.now());
      await this.#options.restart?.(reason);
    })()
      .catch((error: unknown) => {
        this.#options.log(`the restart failed: ${reasonOf(error)}`);
      })
      .finally(() => {
        this.#restarting = undefined;
      });
    return this.#restarting;
  }

  /** Requests one page of the tools, in the session and with the credential of the call. */
  async #page({ exchange, session }: GatedCall, page: { readonly cursor?: string }): Promise<unknown> {
    const meta = exchange.message?.single?.params?._meta;
    const { protocolVersion } = exchange;
    const answer = await ownRequest(this.#options.upstream, {
      path: exchange.path,
      method: 'tools/list',
      params: { ...page, ...(meta === undefined ? {} : { _meta: meta }) },
      asks: true,
      headers: exchange.headers,
      sessionId: session?.upstreamId,
      protocolVersion,
    });
    if ('failed' in answer || !answer.result) {
      throw new Error('the server did not list its tools');
    }
    return answer.result;
  }
}
