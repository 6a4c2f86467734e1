import { isRecord } from '../../base/json.ts';
import { singleLine } from '../../base/singleLine.ts';
import type { LazyStart } from '../../model/snapshot.ts';
import type { Envelope, IdKey, JsonObject } from '../message/envelope.ts';
import { messageLine } from '../message/ownAnswers.ts';
import { ErrorTail } from '../process/errorTail.ts';
import type { MessageSource } from '../process/serverProcess.ts';
import type { Relay } from '../relay/relay.ts';
import type { LazySession, ListMethod } from '../relay/sessionMemory.ts';
import type { KeptAnswers } from './answerFile.ts';
import { clientText, keyedHash, ordered } from './answerKey.ts';
import {
  acknowledgementLine,
  eagerByEvidence,
  failureText,
  handshakeDifference,
  usableAnswer,
  withDifference,
  withoutResources,
  withSpared,
} from './answerRules.ts';
import { StartAnswers, type StartAnswersOptions } from './startAnswers.ts';
import { StartState } from './startState.ts';
import { tellProgress } from './tellProgress.ts';

interface LazyOptions extends StartAnswersOptions {
  /** For messages. */
  readonly name: string;
  readonly relay: Pick<Relay, 'memory' | 'client' | 'current' | 'refuseHeld' | 'onClientInfo'>;
  /** Starts the server and sends it what waits. @returns why it did not start */
  readonly wake: () => Promise<string | undefined>;
  /** Ends the server. */
  readonly sleep: () => void;
  readonly redact: (text: string) => string;
  readonly passErrors: (bytes: Buffer) => void;
  readonly onMark: (mark: LazyStart) => void;
}

/**
 * Answers a session from what its server answered before, until a request needs the server. Messages that start nothing are acknowledged as the server did and
 * repeated by the handshake of its start. What a started server answers before its first call is kept for the next session.
 */
export class LazyAnswers implements LazySession {
  readonly #options: LazyOptions;
  readonly #kept: KeptAnswers;
  #phase: 'deciding' | 'resting' | 'started' = 'deciding';
  #decide: () => void = () => undefined;
  /** Resolves at the client's first request: `begins` is known then. */
  readonly decided: Promise<void> = new Promise((resolve) => {
    this.#decide = resolve;
  });
  /** What the client states of itself; protocol 2026-07-28 repeats it in each request. */
  #client: string | undefined;
  /** The key of the answers that the client got. */
  #key: string | undefined;
  /** The answers to the handshake that the client got, by method. */
  readonly #told = new Map<string, JsonObject>();
  /** The error that is the kept answer, where it is one. */
  #refusal: JsonObject | undefined;
  #listedResources = false;
  readonly #start = new StartState();
  /** The last start failed because the server answers the handshake differently. */
  #differs = false;
  /** The lists of the next server are compared with those that the client has; not after a sleep, when they are newer than the kept ones. */
  #compares = false;
  #isEnding = false;
  #tail: ErrorTail | undefined;
  readonly #answers: StartAnswers;

  /** @param why the server is started with the session */
  constructor(options: LazyOptions, why: string | undefined) {
    this.#options = options;
    this.#kept = options.file.read();
    this.#answers = new StartAnswers(options);
    const { failed } = this.#kept;
    const eager = why ?? (failed && `it did not start when it was needed: ${failed.reason}`);
    if (eager !== undefined) {
      this.#startNow(eager);
    }
  }

  /** The client was answered without a server, or has not asked for anything. */
  get begins(): boolean {
    return this.#start.wasAnswered || this.#phase === 'deciding';
  }

  get rests(): boolean {
    return this.#phase === 'resting';
  }

  get wakes(): boolean {
    return this.#tail !== undefined;
  }

  get mark(): LazyStart {
    return this.#start.mark(this.#kept, this.#options.redact);
  }

  /** Ends the idle server: the next request that needs it starts it again. */
  sleep(): void {
    this.#phase = 'resting';
    this.#start.sleep(new Date().toISOString());
    this.#options.sleep();
    this.#options.onMark(this.mark);
  }

  /** @param why what keeps an idle server awake */
  stayAwake(why: string | undefined): void {
    this.#start.awake = why;
    this.#options.onMark(this.mark);
  }

  get errors(): ((output: MessageSource | null) => void) | undefined {
    return this.#tail && ((output) => this.#tail?.read(output));
  }

  take(line: Buffer, envelope: Envelope): boolean {
    if (envelope.kind === 'request') {
      const isDone = this.#phase !== 'started' && this.#answer(line, envelope);
      if (!isDone) {
        this.#need(envelope);
      }
      return isDone;
    }
    if (envelope.kind === 'batch') {
      this.#need(undefined);
    } else if (envelope.kind === 'notification' && envelope.method === 'notifications/initialized' && this.rests) {
      this.#options.relay.memory.initialized = Buffer.from(line);
      return true;
    }
    return false;
  }

  /** @returns whether the request was answered */
  #answer(line: Buffer, { id, method, body }: Envelope & { kind: 'request' }): boolean {
    const { memory, client } = this.#options.relay;
    if (method === 'ping' && this.rests) {
      client.add(messageLine(id, { result: {} }));
      return true;
    }
    const params = body.value()?.params;
    const given = isRecord(params) ? params : {};
    const result = this.#find(method, given);
    if (!result) {
      return false;
    }
    this.#start.wasAnswered = true;
    memory.hasServed = true;
    if (this.#phase === 'deciding') {
      this.#phase = 'resting';
      this.#decide();
    }
    memory.noteRequest(id, { kind: 'request', id, method, body }, line);
    if (method === 'subscriptions/listen') {
      client.add(acknowledgementLine(id, result));
      return true;
    }
    const answer = this.#refusal ? { error: this.#refusal } : { result };
    memory.noteAnswer(id, answer);
    client.add(messageLine(id, (method === 'initialize' ? memory.announced(answer) : undefined) ?? answer));
    if (method === 'initialize' && memory.clientInfo) {
      this.#options.relay.onClientInfo?.(memory.clientInfo);
    }
    return true;
  }

  #find(method: string, params: JsonObject): JsonObject | undefined {
    const { code, secret, launch, relay } = this.#options;
    const client = clientText(method, params) ?? this.#client;
    const now = code();
    if (client === undefined || 'unknown' in now) {
      this.#start.why = 'unknown' in now ? now.unknown : 'the client does not state its protocol version';
      return undefined;
    }
    const key = keyedHash(secret, now.code, launch, client);
    const set = this.#kept.sets.find((one) => one.key === key);
    const evidence = eagerByEvidence(this.#kept, key);
    if (!set || evidence !== undefined) {
      this.#start.why = evidence ?? 'its answers to this client, with this code and this environment, are not known yet';
      return undefined;
    }
    if (method === 'resources/unsubscribe' && typeof params.uri === 'string' && relay.memory.subscriptions.has(params.uri)) {
      return {};
    }
    const request = this.#answers.request(method, params);
    const modern = method !== 'initialize' && relay.memory.isModern;
    const kept = set.answers.find((one) => one.request === request);
    this.#refusal = kept?.error;
    const result = kept?.error ? {} : usableAnswer(method, kept, modern, Date.now());
    const isAgain = method === 'resources/list' && this.#listedResources && params.cursor === undefined;
    this.#listedResources ||= method === 'resources/list';
    if (!result || isAgain) {
      this.#start.why = `its answer to ${method} is ${isAgain ? 'asked for again' : 'not known, or too old'}`;
      return undefined;
    }
    this.#client = client;
    this.#key = key;
    if ((method === 'initialize' || method === 'server/discover') && !this.#refusal) {
      this.#told.set(method, result);
    }
    return result;
  }

  /** A message needs the server. */
  #need(envelope: (Envelope & { kind: 'request' }) | undefined): void {
    const params = envelope?.body.value()?.params;
    const token = isRecord(params) && isRecord(params._meta) ? params._meta.progressToken : undefined;
    if (this.#phase === 'deciding') {
      this.#startNow(this.#start.why ?? 'the client began with a message that needs it');
    } else if (this.#phase === 'resting') {
      void this.#wake();
    }
    if (this.#tail && (typeof token === 'string' || typeof token === 'number')) {
      const { relay, name } = this.#options;
      tellProgress(relay.client, token, name, () => this.#phase !== 'started' || relay.current?.hasAnswered === true);
    }
  }

  #startNow(why: string): void {
    this.#phase = 'started';
    this.#start.why = why;
    this.#starting();
    this.#decide();
  }

  #starting(): void {
    this.#start.wasStarted = true;
    this.#answers.starting();
    this.#options.onMark(this.mark);
  }

  /** Starts the server that a request needs. When that fails, the requests that wait are answered with the reason; the next one tries again. */
  async #wake(): Promise<void> {
    const { name, relay, wake, say, redact, passErrors } = this.#options;
    this.#phase = 'started';
    this.#differs = false;
    this.#compares = !this.#start.isAsleep;
    const goToSleepAgain = this.#start.wake();
    const tail = new ErrorTail(passErrors);
    this.#tail = tail;
    this.#starting();
    const reason = await wake();
    if (reason === undefined || this.#isEnding) {
      this.#tail = undefined;
      this.#told.clear();
      return;
    }
    await tail.ended(200);
    this.#tail = undefined;
    say(`${name} was not started: ${reason}`);
    if (!this.#differs) {
      this.#answers.change((kept) => ({ ...kept, failed: { at: Date.now(), reason: singleLine(redact(reason), 600) } }));
    }
    relay.refuseHeld(failureText(name, reason, tail.lines(redact, 8)));
    this.#phase = 'resting';
    goToSleepAgain();
    this.#options.onMark(this.mark);
  }

  answered(method: string, params: JsonObject, answer: JsonObject): void {
    if (this.#phase === 'started') {
      const client = clientText(method, params) ?? this.#client;
      this.#client = method === 'initialize' ? client : this.#client;
      this.#answers.answered(client, method, params, answer);
    }
  }

  acknowledged(id: IdKey, { _meta: _, ...result }: JsonObject): void {
    if (this.#phase === 'started') {
      this.#answers.acknowledged(id, result);
    }
  }

  handshake(method: string, result: JsonObject): void {
    const told = this.#told.get(method);
    const client = this.#client;
    if (!told || client === undefined) {
      return;
    }
    const difference = handshakeDifference(told, result);
    if (difference !== undefined) {
      this.#told.clear();
      this.#differs = true;
      this.#drop(difference);
      throw new Error(`${difference} than in its earlier answers, which this session was given. Connect again to use what it offers now`);
    }
    if (ordered([told.instructions, told.serverInfo]) !== ordered([result.instructions, result.serverInfo])) {
      this.#answers.keep(client, method, result);
    }
  }

  listsDiffer(methods: readonly ListMethod[]): void {
    const key = this.#key;
    if (!this.#compares || key === undefined) {
      return;
    }
    this.#compares = false;
    // Resources are data: another list says nothing about the server.
    const code = methods.filter((method) => method !== 'resources/list');
    if (code.length > 0) {
      this.#drop(`it gave another answer to ${code.join(', ')}`);
    } else if (methods.length > 0) {
      this.#answers.change((kept) => withoutResources(kept, key));
    }
  }

  #drop(what: string): void {
    if (this.#key !== undefined) {
      const key = this.#key;
      this.#options.say(`${this.#options.name} answers differently than at its last start: ${what}. Its kept answers are dropped`);
      this.#answers.change((kept) => withDifference(kept, key, what, Date.now()));
    }
  }

  /** The session is ending: a start that fails now is no failure. */
  ending(): void {
    this.#isEnding = true;
  }

  /** Keeps what is not written yet, or that the session never started the server. */
  async close(): Promise<void> {
    this.#isEnding = true;
    const key = this.#key;
    if (this.#start.wasStarted || key === undefined) {
      await this.#answers.write(false);
    } else {
      this.#answers.change((kept) => withSpared(kept, key, Date.now()));
    }
  }
}
