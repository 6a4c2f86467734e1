import { reasonOf } from '../../../base/errors.ts';
import { limited } from '../../../base/wait.ts';
import type { ProcessRow, ProcessTable } from '../../../model/process.ts';
import type { HttpGuardOptions } from '../../options/httpOptions.ts';
import { RestartLimit } from '../../process/restartLimit.ts';
import { CodeRecorder } from '../../stale/codeRecorder.ts';
import type { ServerCode } from '../../stale/serverCode.ts';
import { StaleGate, type StaleReport } from '../../stale/staleGate.ts';
import type { RestartHint, ToolRefusal } from '../../stale/staleRefusal.ts';
import { faultCode, rpcError } from '../session/faults.ts';
import type { GatedCall } from '../session/gatedCall.ts';
import type { ToolPage } from '../session/listReader.ts';
import type { RequestId } from '../transport/clientMessage.ts';
import { ownRequest } from '../transport/ownRequest.ts';
import type { Upstream } from '../transport/upstream.ts';
import type { ExternalServer } from './externalServer.ts';

export interface StaleCallsOptions {
  readonly options: HttpGuardOptions;
  readonly upstream: Upstream;
  readonly table: ProcessTable;
  /** Replaces the server; rejects when that failed. Undefined where nobody here knows how. */
  readonly restart: ((reason: string) => Promise<void>) | undefined;
  /** What restarts the server. */
  readonly cure: () => RestartHint;
  /** Where somebody else starts the server, and starts it again, without telling. */
  readonly foreign?: Pick<ExternalServer, 'settled' | 'look'>;
  readonly log: (line: string) => void;
}

/** An installer is waited for no longer than this. */
const patienceMs = 20_000;

/** Holds calls against the code that the server runs: the gate of the stdio guard, for calls that come over HTTP. */
export class StaleCalls {
  readonly #gate: StaleGate;
  readonly #recorder: CodeRecorder;
  readonly #options: StaleCallsOptions;
  readonly #limit = new RestartLimit();
  #restarting: Promise<void> | undefined;
  #child: ServerCode | undefined;

  constructor(options: StaleCallsOptions) {
    this.#options = options;
    const { command, args, onStale, writeTools, readTools } = options.options;
    this.#recorder = new CodeRecorder(command === undefined ? undefined : { command, args, cwd: process.cwd(), env: process.env });
    this.#gate = new StaleGate({
      policy: onStale,
      env: process.env,
      table: options.table,
      restartHint: options.cure,
      log: options.log,
      writeTools,
      readTools,
    });
  }

  /** Right before a server is started. */
  spawning(): ServerCode {
    return this.#recorder.beforeStart();
  }

  /** In place of both: the process that listens where somebody else starts the server. */
  async recordExternal(row: ProcessRow): Promise<ServerCode> {
    const child = this.#recorder.unrecorded();
    await this.#gate.recordExternal(child, row);
    return child;
  }

  /** A started server accepts connections. */
  async accepted(child: ServerCode, pid: number): Promise<void> {
    await this.#gate.firstAnswer(child, pid);
  }

  /** Calls go to this one from now on. */
  serve(child: ServerCode | undefined): void {
    this.#child = child;
    this.#gate.serve(child);
  }

  /** A client was given tools. */
  listed({ result, whole }: ToolPage): void {
    this.#gate.tools.sawPage(result, whole);
  }

  /** The server said that its tools changed. */
  toolsChanged(): void {
    this.#gate.tools.listChanged();
  }

  /** Every tool is known and only reads: two servers may run side by side for a moment. */
  get allRead(): boolean {
    return this.#gate.tools.allRead;
  }

  /** Of the server that runs; undefined when it is not known. */
  get version(): string | undefined {
    return this.#child && this.#gate.recorded(this.#child).package?.version;
  }

  /** What the record says of the server that runs. */
  get recorded(): ReturnType<StaleGate['recorded']> {
    return this.#child ? this.#gate.recorded(this.#child) : {};
  }

  report(): StaleReport {
    return this.#gate.report();
  }

  /** Lets calls pass, now or after a restart, or answers them. @returns whether they were answered */
  async hold(call: GatedCall): Promise<boolean> {
    const { message } = call.exchange;
    const answers = new Map<RequestId, object>();
    for (const { id, params } of message?.toolCalls ?? []) {
      const answer = await this.#decide(call, params);
      if (answer === 'gone') {
        return true;
      }
      if (answer) {
        answers.set(id, answer);
      }
    }
    if (answers.size === 0) {
      return false;
    }
    // A batch (2025-03-26) passes as a whole or not at all.
    const all = (message?.requestIds ?? []).map((id) =>
      answers.has(id)
        ? { jsonrpc: '2.0', id, ...answers.get(id) }
        : rpcError(id, faultCode, 'Not executed: another call of the same batch was refused. Send this one by itself.', { executed: 'no' }),
    );
    const body = JSON.stringify(message?.single ? all[0] : all);
    call.response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }).end(body);
    return true;
  }

  /** @returns what to answer instead; undefined when the call may pass; `gone` when the client gave up */
  async #decide(call: GatedCall, params: unknown): Promise<ToolRefusal | 'gone' | undefined> {
    const start = performance.now();
    const { foreign, restart } = this.#options;
    let asked = false;
    let restarted = restart === undefined;
    let looked = foreign === undefined;
    await foreign?.settled();
    for (;;) {
      // A new version that does not start, or is replaced again and again, must not be started with every call.
      const patient = !restarted && performance.now() - start < patienceMs && !this.#limit.isStorm(performance.now());
      const decision = this.#gate.call({ params, asked, patient });
      if (!looked && decision.action !== 'pass') {
        // Somebody may have replaced the server since, without a connection that told.
        looked = true;
        await foreign?.look();
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
          await foreign?.look();
          break;
        case 'wait':
          await limited(new Promise(() => {}), decision.ms, call.exchange.signal);
          if (call.exchange.signal.aborted) {
            return 'gone';
          }
      }
    }
  }

  #restartOnce(reason: string): Promise<void> {
    this.#restarting ??= (async () => {
      const pause = this.#limit.pauseMs(performance.now());
      if (pause > 0) {
        await limited(new Promise(() => {}), pause);
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

  /** One page of the tools, on our own account, in the session and with the credential of the call. */
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
