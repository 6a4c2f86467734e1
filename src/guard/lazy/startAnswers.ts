import { reasonOf } from '../../base/errors.ts';
import { isRecord } from '../../base/json.ts';
import { type IdKey, type JsonObject, readEnvelope } from '../message/envelope.ts';
import type { Relay } from '../relay/relay.ts';
import { type AnswerFile, type KeptAnswers, maxAnswers, maxBytes, maxRequest } from './answerFile.ts';
import { type CodeText, clientText, keyedHash, ordered } from './answerKey.ts';
import { type FreshAnswer, isKept, plainMethods, requestText, withAnswers } from './answerRules.ts';

export interface StartAnswersOptions {
  readonly relay: Pick<Relay, 'memory' | 'current'>;
  readonly file: AnswerFile;
  /** Of the keyed hashes. */
  readonly secret: string;
  /** All that the answers depend on beside code and client. */
  readonly launch: string;
  /** The code that a start would load now. */
  readonly code: () => CodeText;
  /** Resident memory of the running server; bytes. */
  readonly memory: () => Promise<number | undefined>;
  readonly say: (line: string) => void;
}

/** Time from a server's last answer that is kept until it is written, ms. */
const writeMs = 1_000;

/** What a server answers after its start and before its first call, for the sessions to come. */
export class StartAnswers {
  readonly #options: StartAnswersOptions;
  readonly #fresh = new Map<string, Omit<FreshAnswer, 'key'> & { readonly client: string }>();
  readonly #seen = new Set<string>();
  /** Length of what was kept since the start, as JSON. */
  #length = 0;
  #startedCode: CodeText | undefined;
  #askedFirst = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: StartAnswersOptions) {
    this.#options = options;
  }

  /** Call it right before the server starts. */
  starting(): void {
    this.#startedCode = this.#options.code();
    this.#seen.clear();
    this.#length = 0;
  }

  /** A request as it is kept. */
  request(method: string, params: JsonObject): string {
    return method === 'subscriptions/listen'
      ? `${method} ${keyedHash(this.#options.secret, ordered(params.notifications ?? null))}`
      : requestText(method, params);
  }

  /** @param client what the client states of itself */
  answered(client: string | undefined, method: string, params: JsonObject, answer: JsonObject): void {
    const { result, error } = answer;
    const { memory, current } = this.#options.relay;
    this.#askedFirst ||= current?.askedFirst ?? false;
    const modern = method !== 'initialize' && memory.isModern;
    // An acknowledgement does not depend on what the session did.
    const isFirst = plainMethods.has(method) || current?.hasBeenCalled === false;
    if (client !== undefined && isFirst && isRecord(result) && isKept(method, result, modern)) {
      this.keep(client, this.request(method, params), result);
    } else if (client !== undefined && method === 'server/discover' && isRecord(error)) {
      this.keep(client, method, {}, error);
    }
  }

  /** @param result the acknowledgement without the id of its subscription */
  acknowledged(id: IdKey, result: JsonObject): void {
    const line = this.#options.relay.memory.listens.get(id);
    const envelope = line && readEnvelope(line);
    const params = envelope?.kind === 'request' ? envelope.body.value()?.params : undefined;
    const client = isRecord(params) ? clientText('subscriptions/listen', params) : undefined;
    // Addresses of resources are the user's data, and are not kept.
    if (isRecord(params) && client !== undefined && !JSON.stringify(result).includes('://')) {
      this.keep(client, this.request('subscriptions/listen', params), result);
    }
  }

  /**
   * Keeps one answer, if the file has room: a server may give pages without end. The first one after the start counts: later ones may come from what the session
   * did.
   */
  keep(client: string, request: string, result: JsonObject, error?: JsonObject): void {
    const place = `${client} ${request}`;
    const length = this.#length + JSON.stringify([request, result, error]).length;
    if (!this.#seen.has(place) && this.#seen.size < maxAnswers && request.length <= maxRequest && length < maxBytes) {
      this.#length = length;
      this.#seen.add(place);
      this.#fresh.set(place, { client, request, result, at: Date.now(), ...(error ? { error } : {}) });
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.write(true), writeMs);
      this.#timer.unref();
    }
  }

  /** Changes what is kept. A file that cannot be written is reported. */
  change(change: (kept: KeptAnswers) => KeptAnswers): void {
    try {
      this.#options.file.change(change);
    } catch (error) {
      this.#options.say(`its answers cannot be kept: ${reasonOf(error)}`);
    }
  }

  /** Keeps the answers of this start, unless the code was replaced since. @param measures how much memory the server uses, too */
  async write(measures: boolean): Promise<void> {
    clearTimeout(this.#timer);
    const { secret, launch, code } = this.#options;
    const before = this.#startedCode;
    const fresh = [...this.#fresh.values()];
    this.#fresh.clear();
    if (fresh.length === 0 || !before || 'unknown' in before || ordered(code()) !== ordered(before)) {
      return;
    }
    const answers = fresh.map(({ client, ...one }) => ({ ...one, key: keyedHash(secret, before.code, launch, client) }));
    // Kept before the memory is known: measuring takes a moment in which the session may end.
    this.change(({ failed: _, ...kept }) =>
      this.#askedFirst
        ? { ...kept, asking: [...new Set([...kept.asking, ...answers.map(({ key }) => key)])] }
        : withAnswers(kept, answers, Date.now()),
    );
    const memoryBytes = measures ? await this.#options.memory().catch(() => undefined) : undefined;
    if (memoryBytes !== undefined) {
      this.change((kept) => ({ ...kept, memoryBytes }));
    }
  }
}
