import { isRecord } from '../../../base/json.ts';
import type { Log } from '../../../base/log.ts';
import type { RawHeaders } from '../transport/headers.ts';
import { type OwnOutcome, type OwnRequestAnswer, ownRequest } from '../transport/ownRequest.ts';
import type { Upstream } from '../transport/upstream.ts';
import { type HttpSession, shortId } from './httpSession.ts';
import type { SessionTable } from './sessionTable.ts';

type RecoveryResult =
  | { readonly kind: 'recovered' }
  /** 401 or 403: the client gets the server's answer. */
  | { readonly kind: 'denied'; readonly answer: OwnRequestAnswer }
  | { readonly kind: 'version-changed'; readonly before: string; readonly now: string }
  /** The guard did not keep what `initialize` said. */
  | { readonly kind: 'too-large' }
  | { readonly kind: 'failed'; readonly reason: string };

/** Parameters of `initialize` for a session that began before this guard. */
const unknownClient = { capabilities: {}, clientInfo: { name: 'mcp-shepherd', version: '1' } };
const oldestRevision = '2025-03-26';
/** A server may end while it answers. */
const maxTries = 3;

/** Sets sessions up again on a server process that does not know them. */
export class SessionRecovery {
  readonly #upstream: Upstream;
  readonly #sessions: SessionTable;
  readonly #log: Log;
  #count = 0;

  constructor(upstream: Upstream, sessions: SessionTable, log: Log) {
    this.#upstream = upstream;
    this.#sessions = sessions;
    this.#log = log;
  }

  /** How often a session was set up again since the start. */
  get count(): number {
    return this.#count;
  }

  /**
   * Concurrent requests of one session share one recovery.
   * @param generation of the session when the refused request was sent; when it has changed, the session is recovered already
   * @param headers of the client's request
   * @param version MCP revision of the client's request
   */
  async recover(session: HttpSession, generation: number, headers: RawHeaders, version: string | undefined): Promise<RecoveryResult> {
    if (session.generation !== generation) {
      return { kind: 'recovered' };
    }
    const running = session.recovery as Promise<RecoveryResult> | undefined;
    if (running) {
      return running;
    }
    const recovery = this.#run(session, headers, version).finally(() => {
      delete session.recovery;
    });
    session.recovery = recovery;
    return recovery;
  }

  async #run(session: HttpSession, headers: RawHeaders, version: string | undefined): Promise<RecoveryResult> {
    const { setup } = session;
    if (setup.tooLarge) {
      this.#log.warn(`session ${shortId(session.clientId)} is unknown to the server and was not kept: its initialize is larger than 16 kB`);
      return { kind: 'too-large' };
    }
    const before = setup.protocolVersion;
    const params = setup.initialize
      ? JSON.parse(setup.initialize)
      : { ...unknownClient, protocolVersion: before ?? version ?? oldestRevision };
    const answer = await this.#initialize(session, params, headers);
    if ('failed' in answer) {
      return this.#failed(session, answer.failed);
    }
    if (answer.status === 401 || answer.status === 403) {
      return { kind: 'denied', answer };
    }
    if (answer.status >= 300 || !answer.result) {
      return this.#failed(session, `it answered initialize with status ${answer.status}${answer.result ? '' : ' and no result'}`);
    }
    const now = typeof answer.result.protocolVersion === 'string' ? answer.result.protocolVersion : undefined;
    if (before !== undefined && now !== undefined && now !== before) {
      await this.#discard(session, answer.sessionId, headers, now);
      this.#log.warn(`session ${shortId(session.clientId)} cannot continue: the server spoke ${before} and now speaks ${now}`);
      return { kind: 'version-changed', before, now };
    }
    const listChanged = announcedLists(answer.result);
    this.#sessions.setUpstreamId(session, answer.sessionId);
    session.eventIds.clear();
    setup.listChanged = [...new Set([...setup.listChanged, ...listChanged])];
    if (now !== undefined) {
      setup.protocolVersion = now;
    }
    await this.#setUp(session, headers);
    session.generation += 1;
    this.#count += 1;
    this.#sessions.keep(session);
    this.#log.warn(`session ${shortId(session.clientId)} was unknown to the server and was set up again`);
    for (const reattach of [...session.streams]) {
      reattach();
    }
    return { kind: 'recovered' };
  }

  async #initialize(session: HttpSession, params: Readonly<Record<string, unknown>>, headers: RawHeaders): Promise<OwnOutcome> {
    let answer: OwnOutcome = { failed: 'not tried', sent: false };
    for (let count = 0; count < maxTries; count += 1) {
      answer = await ownRequest(this.#upstream, { path: session.setup.path, method: 'initialize', params, asks: true, headers });
      if (!('failed' in answer) || !answer.sent) {
        break;
      }
    }
    return answer;
  }

  /** Sends again what the client sent after `initialize`. When the server refuses a part, the session still counts as set up. */
  async #setUp(session: HttpSession, headers: RawHeaders): Promise<void> {
    const { setup, upstreamId } = session;
    const send = async (method: string, asks: boolean, params?: Readonly<Record<string, unknown>>): Promise<void> => {
      const answer = await ownRequest(this.#upstream, {
        path: setup.path,
        method,
        asks,
        headers,
        params,
        sessionId: upstreamId,
        protocolVersion: setup.protocolVersion,
      });
      const fault =
        'failed' in answer ? answer.failed : answer.status >= 300 || (asks && !answer.result) ? `status ${answer.status}` : undefined;
      if (fault !== undefined) {
        this.#log.info(`session ${shortId(session.clientId)}: the server did not accept ${method} again (${fault})`);
      }
    };
    if (setup.initialized || !setup.initialize) {
      await send('notifications/initialized', false);
    }
    if (setup.logLevel !== undefined) {
      await send('logging/setLevel', true, { level: setup.logLevel });
    }
    for (const uri of setup.subscriptions) {
      await send('resources/subscribe', true, { uri });
    }
  }

  async #discard(session: HttpSession, sessionId: string | undefined, headers: RawHeaders, version: string): Promise<void> {
    if (sessionId !== undefined) {
      const outcome = await this.#upstream.send({
        method: 'DELETE',
        path: session.setup.path,
        headers: [
          ...headers.filter(([name]) => /^(authorization|x-api-key|api-key|x-auth-token|cookie)$/i.test(name)),
          ['Mcp-Session-Id', sessionId],
          ['Mcp-Protocol-Version', version],
        ],
        signal: AbortSignal.timeout(5_000),
      });
      if (outcome.status === 'answer') {
        outcome.response.resume();
        outcome.lease.end();
      }
    }
  }

  #failed(session: HttpSession, reason: string): RecoveryResult {
    this.#log.warn(`session ${shortId(session.clientId)} is unknown to the server and could not be set up again: ${reason}`);
    return { kind: 'failed', reason };
  }
}

/** Names of the lists (`tools` …) whose changes a server promises to announce, by its result of `initialize`. */
export function announcedLists(result: Readonly<Record<string, unknown>>): string[] {
  const { capabilities } = result;
  return isRecord(capabilities)
    ? ['tools', 'prompts', 'resources'].filter((name) => {
        const one = capabilities[name];
        return isRecord(one) && one.listChanged === true;
      })
    : [];
}
