import assert from 'node:assert/strict';
import type { SharedLines } from '../../../../src/host/share/sharedLines.ts';
import type { SharedOptions } from '../../../../src/host/share/sharedOutput.ts';

/** What is between the server and its clients. */
export type Between = Pick<SharedLines, 'join' | 'leave' | 'take' | 'fromServer'>;
type Member = ReturnType<Between['join']>;
type Id = string | number;
type Params = Readonly<{
  tag?: string;
  name?: string;
  message?: string | undefined;
  uri?: string;
  requestId?: Id;
  progress?: number;
  progressToken?: Id | undefined;
  _meta?: { readonly progressToken: Id };
}>;
type Message = Readonly<{
  id?: Id;
  method?: string;
  params?: Params;
  result?: Readonly<{ tag?: string | undefined; capabilities?: object }>;
  error?: object;
}>;

/** Few, so that clients often have equal ones; of both types. */
const ids: readonly Id[] = [0, 1, 2, '0', '1', '2'];
const uris = ['file:///a', 'file:///b'];
const lineOf = (message: Message): Buffer => Buffer.from(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);

export const steps = [
  ...['call', 'call', 'call', 'cancel', 'subscribe', 'unsubscribe', 'reply', 'leave', 'join'],
  ...['answer', 'answer', 'answer', 'progress', 'progress', 'ask', 'ask', 'update', 'list'],
] as const;
/** What happens next; the numbers choose among the clients, requests and ids that there are. */
export type Step = readonly [what: (typeof steps)[number], who: number, which: number];

interface Open {
  /** Of this request alone; the server repeats it. */
  readonly tag: string;
  readonly method: string;
  readonly token: Id | undefined;
  readonly uri: string | undefined;
}

/** A client that reports what it should not get. */
class Client {
  readonly open = new Map<Id, Open>();
  readonly uris = new Set<string>();
  /** Requests of the server that it has not answered. */
  readonly asks: { readonly id: Id; readonly tag: string }[] = [];
  readonly name: string;
  member: Member | undefined;
  /** Messages without a call that it must get next, each once. */
  readonly expected: string[] = [];

  constructor(name: string) {
    this.name = name;
  }

  takes(line: Buffer): void {
    assert.ok(this.member, `${this.name} has left, and gets ${line}`);
    const { id, method, params = {}, result, error } = JSON.parse(`${line}`) as Message;
    const tag = params.tag ?? '';
    if (method === undefined) {
      this.#answered(id, result, error);
    } else if (method === 'notifications/progress') {
      const call = [...this.open.values()].find(({ token }) => token === params.progressToken);
      assert.equal(params.message, call?.tag, `${this.name}: progress of another call`);
      this.#expects(`progress ${params.message}`);
    } else if (id !== undefined) {
      assert.ok(tag.startsWith(this.name), `${this.name} is asked for ${tag}`);
      this.asks.push({ id, tag });
      this.#expects(`ask ${tag}`);
    } else {
      this.#expects(`${method} ${params.uri ?? ''}`);
    }
  }

  #expects(what: string): void {
    const place = this.expected.indexOf(what);
    assert.ok(place >= 0, `${this.name} gets ${what}, which is not for it or comes twice`);
    this.expected.splice(place, 1);
  }

  #answered(id: Id = 'none', result: Message['result'], error: unknown): void {
    const call = this.open.get(id);
    assert.ok(call && result && !error, `${this.name}: an answer to ${JSON.stringify(id)}`);
    this.open.delete(id);
    if (call.method === 'tools/call') {
      assert.equal(result.tag, call.tag, `${this.name}: the answer to another call`);
    } else if (call.method === 'resources/subscribe') {
      this.uris.add(call.uri ?? '');
    }
  }
}

interface Received {
  readonly number: Id;
  readonly method: string;
  /** Of a call. */
  readonly tag: string | undefined;
  readonly token: Id | undefined;
  isCancelled: boolean;
}

/** One server with clients that come and go, and what each of them must see. */
export class SharingModel {
  readonly #between: Between;
  readonly #clients: Client[] = [];
  readonly #requests: Received[] = [];
  readonly #watched = new Set<string>();
  /** Requests of the server that no client has answered; the text is what the answer must be. */
  readonly #asked = new Map<Id, string>();
  #tags = 0;
  #names = 0;

  constructor(make: (options: SharedOptions) => Between) {
    this.#between = make({
      toServer: (line) => this.#receives(JSON.parse(`${line}`)),
      unsafe: () => undefined,
      answered: () => undefined,
      now: () => 0,
    });
    this.#join();
    this.#join();
  }

  #join(): void {
    this.#names += 1;
    const client = new Client(`client${this.#names}.`);
    client.member = this.#between.join((line) => client.takes(line));
    this.#clients.push(client);
    this.#sends(client, 0, 'initialize', {});
  }

  #sends(client: Client, which: number, method: string, params: Params, uri?: string): void {
    const free = ids.filter((id) => !client.open.has(id));
    const id = free[which % free.length];
    if (id === undefined || !client.member) {
      return;
    }
    this.#tags += 1;
    const tag = `${client.name}${this.#tags}`;
    const tokens = ids.filter((token) => ![...client.open.values()].some((one) => one.token === token));
    const token = method === 'tools/call' && which % 3 > 0 ? tokens[which % tokens.length] : undefined;
    client.open.set(id, { tag, method, token, uri });
    client.uris.delete(uri ?? '');
    const meta = token === undefined ? {} : { _meta: { progressToken: token } };
    this.#between.take(client.member, lineOf({ id, method, params: { ...params, ...(method === 'tools/call' ? { tag } : {}), ...meta } }));
  }

  /** The server gets a line. */
  #receives({ id = 'none', method, params = {}, result, error }: Message): void {
    if (method === undefined) {
      const wanted = this.#asked.get(id);
      assert.equal(error ? 'refused' : result?.tag, wanted, 'the answer to a request of the server');
      this.#asked.delete(id);
    } else if (method === 'notifications/cancelled') {
      const request = this.#requests.find(({ number }) => number === params.requestId);
      if (request) {
        assert.ok(!request.isCancelled, 'cancelled twice');
        request.isCancelled = true;
      }
    } else {
      assert.ok(Number.isInteger(id) && !this.#requests.some(({ number }) => number === id), 'an id that is in use');
      this.#requests.push({ number: id, method, tag: params.tag, token: params._meta?.progressToken, isCancelled: false });
      if (method === 'resources/subscribe') {
        this.#watched.add(params.uri ?? '');
      } else if (method === 'resources/unsubscribe') {
        this.#watched.delete(params.uri ?? '');
      }
    }
  }

  #ownerOf(tag: string | undefined): Client | undefined {
    return this.#clients.find(({ name }) => tag?.startsWith(name));
  }

  take([what, who, which]: Step): void {
    const here = this.#clients.filter(({ member }) => member);
    const client = here[who % here.length];
    const request = this.#requests[which % this.#requests.length];
    const uri = uris[which % uris.length] ?? '';
    if (what === 'join') {
      if (here.length < 4) {
        this.#join();
      }
    } else if (what === 'answer') {
      this.#answers(request);
    } else if (what === 'progress') {
      this.#progresses(request);
    } else if (what === 'ask') {
      this.#asks(request);
    } else if (what === 'update') {
      this.#updates(uri);
    } else if (what === 'list') {
      this.#tellsAll('notifications/tools/list_changed', {}, here);
    } else if (client) {
      this.#acts(client, what, which, uri);
    }
    this.#check();
  }

  #acts(client: Client, what: Step[0], which: number, uri: string): void {
    const { member } = client;
    if (!member) {
      return;
    }
    if (what === 'call') {
      this.#sends(client, which, 'tools/call', { name: 'x' });
    } else if (what === 'subscribe' || what === 'unsubscribe') {
      // A client waits for the answer before it changes its mind.
      if (![...client.open.values()].some((one) => one.uri === uri)) {
        this.#sends(client, which, `resources/${what}`, { uri }, uri);
      }
    } else if (what === 'cancel') {
      const open = [...client.open].filter(([, { method }]) => method === 'tools/call');
      const [id] = open[which % open.length] ?? [];
      if (id !== undefined) {
        client.open.delete(id);
        this.#between.take(member, lineOf({ method: 'notifications/cancelled', params: { requestId: id } }));
      }
    } else if (what === 'reply') {
      const [ask] = client.asks.splice(which % Math.max(client.asks.length, 1), 1);
      if (ask) {
        this.#between.take(member, lineOf({ id: ask.id, result: { tag: ask.tag } }));
      }
    } else if (what === 'leave') {
      client.member = undefined;
      for (const { id, tag } of client.asks) {
        assert.ok(this.#asked.get(id) === tag);
        this.#asked.set(id, 'refused');
      }
      this.#between.leave(member);
    }
  }

  #answers(request: Received | undefined): void {
    if (request) {
      // It may answer what was cancelled, too.
      this.#requests.splice(this.#requests.indexOf(request), 1);
      const result = request.method === 'initialize' ? { capabilities: {} } : { tag: request.tag };
      this.#between.fromServer(lineOf({ id: request.number, result }));
    }
  }

  #progresses(request: Received | undefined): void {
    const { token, tag, isCancelled } = request ?? {};
    if (token !== undefined) {
      const owner = this.#ownerOf(tag);
      if (!isCancelled && owner?.member) {
        owner.expected.push(`progress ${tag}`);
      }
      this.#between.fromServer(lineOf({ method: 'notifications/progress', params: { progressToken: token, progress: 1, message: tag } }));
    }
  }

  /** The server asks something for one of its calls. */
  #asks(request: Received | undefined): void {
    const { tag } = request ?? {};
    if (tag === undefined) {
      return;
    }
    this.#tags += 1;
    const owners = new Set(this.#requests.flatMap((one) => (one.tag === undefined ? [] : [this.#ownerOf(one.tag)])));
    const owner = this.#ownerOf(tag);
    const isCertain = owners.size === 1 && owner?.member !== undefined;
    this.#asked.set(this.#tags, isCertain ? tag : 'refused');
    if (isCertain) {
      owner.expected.push(`ask ${tag}`);
    }
    const id = this.#tags;
    this.#between.fromServer(lineOf({ id, method: 'elicitation/create', params: { tag } }));
    assert.ok(isCertain || !this.#asked.has(id), 'a refusal comes at once');
  }

  #updates(uri: string): void {
    if (this.#watched.has(uri)) {
      const sure = this.#clients.filter((client) => client.member && client.uris.has(uri));
      // A client whose request is in flight may get it or not: it is not sent then.
      const isOpen = this.#clients.some((client) => client.member && [...client.open.values()].some((one) => one.uri === uri));
      if (!isOpen) {
        this.#tellsAll('notifications/resources/updated', { uri }, sure);
      }
    }
  }

  #tellsAll(method: string, params: Params, clients: readonly Client[]): void {
    for (const client of clients) {
      client.expected.push(`${method} ${params.uri ?? ''}`);
    }
    this.#between.fromServer(lineOf({ method, params }));
  }

  #check(): void {
    for (const { name, member, expected, uris: own } of this.#clients) {
      assert.deepEqual(member ? expected : [], [], `${name} has not got`);
      for (const uri of member ? own : []) {
        assert.ok(this.#watched.has(uri), `${name} gets no updates of ${uri}`);
      }
    }
  }

  /** The server answers everything; then no client waits for an answer, and the server watches for no client that is gone. */
  end(): void {
    while (this.#requests.length > 0) {
      this.#answers(this.#requests[0]);
      this.#check();
    }
    for (const { name, member, open } of this.#clients) {
      assert.deepEqual(member ? [...open] : [], [], `${name} waits for an answer`);
    }
    for (const uri of this.#watched) {
      assert.ok(
        this.#clients.some((client) => client.member && client.uris.has(uri)),
        `the server watches ${uri} for none`,
      );
    }
  }
}
