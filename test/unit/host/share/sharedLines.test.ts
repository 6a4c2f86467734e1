import assert from 'node:assert/strict';
import { SharedLines } from '../../../../src/host/share/sharedLines.ts';

type Message = Readonly<Record<string, unknown>>;

const lineOf = (message: Message | string): Buffer =>
  Buffer.from(`${typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const without = (line: Buffer): Message => {
  assert.equal(line.at(-1), 10, 'a line ends with its line break');
  const { jsonrpc: _, ...message } = JSON.parse(`${line}`);
  return message;
};

/** One server with several clients, as plain data. */
class Shared {
  now = 0;
  readonly evidence: string[] = [];
  readonly #sent: Buffer[] = [];
  readonly lines = new SharedLines({
    toServer: (line) => void this.#sent.push(line),
    unsafe: (text) => void this.evidence.push(text),
    answered: () => undefined,
    now: () => this.now,
  });

  client(): { got(): Message[]; raw(): string; says(message: Message | string): void; leaves(): void } {
    const got: Buffer[] = [];
    const member = this.lines.join((line) => void got.push(line));
    return {
      got: () => got.splice(0).map(without),
      raw: () => Buffer.concat(got.splice(0)).toString(),
      says: (message) => this.lines.take(member, lineOf(message)),
      leaves: () => this.lines.leave(member),
    };
  }

  says(message: Message | string): void {
    this.lines.fromServer(lineOf(message));
  }

  got(): Message[] {
    return this.#sent.splice(0).map(without);
  }

  raw(): string {
    return Buffer.concat(this.#sent.splice(0)).toString();
  }

  /** What the server got, as method and number. */
  heard(): string[] {
    return this.got().map(({ method, id }) => `${method ?? 'answer'} ${id ?? ''}`.trim());
  }
}

const call = (id: unknown, more: Message = {}): Message => ({ id, method: 'tools/call', params: { name: 'x', ...more } });
const withToken = (id: unknown, progressToken: unknown): Message => call(id, { _meta: { progressToken } });
const progress = (progressToken: unknown): Message => ({ method: 'notifications/progress', params: { progressToken, progress: 1 } });
const cancel = (requestId: unknown): Message => ({ method: 'notifications/cancelled', params: { requestId } });
const subscribe = (id: number, uri = 'file:///a'): Message => ({ id, method: 'resources/subscribe', params: { uri } });
const unsubscribe = (id: number, uri = 'file:///a'): Message => ({ id, method: 'resources/unsubscribe', params: { uri } });
const updated = (uri: string): Message => ({ method: 'notifications/resources/updated', params: { uri } });
const initialize = (id: unknown): Message => ({ id, method: 'initialize', params: { protocolVersion: '2025-06-18' } });
const setLevel = (id: number, level: string): Message => ({ id, method: 'logging/setLevel', params: { level } });
const log = (level: string): Message => ({ method: 'notifications/message', params: { level, data: 'x' } });
const asks = (id: unknown): Message => ({ id, method: 'elicitation/create', params: { message: '?' } });
const listen = (id: unknown): Message => ({ id, method: 'subscriptions/listen', params: { notifications: { toolsListChanged: true } } });
const stream = 'io.modelcontextprotocol/subscriptionId';
const ok = (id: unknown): Message => ({ id, result: {} });

describe('one server for several clients: its lines', () => {
  let shared: Shared;
  let one: ReturnType<Shared['client']>;
  let two: ReturnType<Shared['client']>;
  beforeEach(() => {
    shared = new Shared();
    [one, two] = [shared.client(), shared.client()];
  });
  /** The handshake of both. */
  const legacy = (): void => {
    one.says(initialize(0));
    shared.says({ id: 1, result: { capabilities: {} } });
    two.says(initialize(0));
    shared.got();
    one.got();
    two.got();
  };

  describe('ids', () => {
    it('equal ids of two clients are two numbers, and come back with their JSON type', () => {
      one.says(call(1));
      two.says(call(1));
      two.says(call('1'));
      assert.deepEqual(shared.heard(), ['tools/call 1', 'tools/call 2', 'tools/call 3']);
      shared.says({ id: 3, result: { of: 'text' } });
      shared.says({ id: 2, result: { of: 'two' } });
      shared.says({ id: 1, error: { code: -1, message: 'one' } });
      assert.deepEqual(two.got(), [
        { id: '1', result: { of: 'text' } },
        { id: 1, result: { of: 'two' } },
      ]);
      assert.deepEqual(one.got(), [{ id: 1, error: { code: -1, message: 'one' } }]);
      assert.deepEqual(shared.evidence, []);
    });

    it('a number that JavaScript cannot hold, white space, and the order of members stay as they came', () => {
      one.says('{ "params":{"a" : 1.50, "name":"é"} , "method":"tools/call","id": 9007199254740993 ,"jsonrpc":"2.0" }');
      assert.equal(shared.raw(), '{ "params":{"a" : 1.50, "name":"é"} , "method":"tools/call","id": 1 ,"jsonrpc":"2.0" }\n');
      shared.says('{"result":{"n":12345678901234567890} ,"id":1,"jsonrpc":"2.0"}');
      assert.equal(one.raw(), '{"result":{"n":12345678901234567890} ,"id":9007199254740993,"jsonrpc":"2.0"}\n');
    });

    it('a second answer reaches no client', () => {
      one.says(call(1));
      shared.says(ok(1));
      shared.says(ok(1));
      assert.deepEqual(one.got(), [ok(1)]);
      assert.deepEqual(shared.evidence, []);
    });

    for (const id of [7, '1', 1.5]) {
      it(`an answer to ${JSON.stringify(id)}, which no client has sent, reaches none and ends sharing`, () => {
        one.says(call(1));
        shared.says(ok(id));
        assert.deepEqual([one.got(), two.got()], [[], []]);
        assert.deepEqual(shared.evidence, ['it answered a request that no client had sent']);
      });
    }

    it('the requests of a batch are requests of their own', () => {
      one.says(`[${[call(1), call('b')].map((message) => JSON.stringify(message)).join(' , ')}]`);
      assert.deepEqual(shared.heard(), ['tools/call 1', 'tools/call 2']);
      shared.says(`[${[ok(2), ok(1)].map((message) => JSON.stringify(message)).join(',')}]`);
      assert.deepEqual(one.got(), [ok('b'), ok(1)]);
    });

    it('lines that are no messages reach no client and no server', () => {
      one.says('hello');
      shared.says('Listening on stdio');
      assert.deepEqual([shared.raw(), one.raw(), two.raw()], ['', '', '']);
    });
  });

  describe('progress', () => {
    it('equal tokens of two clients come back with their JSON type, to the client of the call alone', () => {
      one.says(withToken(1, 'token'));
      two.says(withToken(1, 5));
      two.says(withToken(2, '5'));
      assert.deepEqual(
        shared.got().map(({ params }) => params),
        [1, 2, 3].map((progressToken) => ({ name: 'x', _meta: { progressToken } })),
      );
      shared.says(progress(2));
      shared.says(progress(3));
      shared.says(progress(1));
      assert.deepEqual(two.got(), [progress(5), progress('5')]);
      assert.deepEqual(one.got(), [progress('token')]);
    });

    it('after the answer, and of a call without a token, it reaches no client; of an unknown call it ends sharing', () => {
      one.says(withToken(1, 'a'));
      one.says(call(2));
      shared.says(ok(1));
      one.got();
      shared.says(progress(1));
      shared.says(progress(2));
      assert.deepEqual([one.got(), shared.evidence], [[], []]);
      shared.says(progress('a'));
      assert.deepEqual([one.got(), two.got()], [[], []]);
      assert.deepEqual(shared.evidence, ['it sent progress of a call that no client had made']);
    });
  });

  describe('cancellations', () => {
    it('cancel the request of their client alone; what the server still sends for it reaches no client', () => {
      one.says(withToken(1, 1));
      two.says(call(1));
      two.says(call('1'));
      shared.got();
      two.says(cancel(1));
      assert.deepEqual(shared.got(), [cancel(2)]);
      one.says(cancel('1'));
      assert.deepEqual(shared.got(), [], 'of another type, and not in flight');
      one.says(cancel(1));
      assert.deepEqual(shared.got(), [cancel(1)]);
      for (const message of [progress(1), ok(1), ok(2), ok(3)]) {
        shared.says(message);
      }
      assert.deepEqual([one.got(), two.got()], [[], [ok('1')]]);
      assert.deepEqual(shared.evidence, []);
    });

    it('an id that was cancelled can be used again', () => {
      one.says(call(1));
      one.says(cancel(1));
      one.says(call(1));
      shared.says({ id: 1, result: { of: 'first' } });
      shared.says({ id: 2, result: { of: 'second' } });
      assert.deepEqual(one.got(), [{ id: 1, result: { of: 'second' } }]);
    });

    it('a client that goes has its calls cancelled; the others keep theirs', () => {
      one.says(call(1));
      one.says(call('a'));
      two.says(call(1));
      shared.got();
      one.leaves();
      one.leaves();
      assert.deepEqual(
        shared.got().map(({ method, params }) => [method, (params as Message).requestId]),
        [
          ['notifications/cancelled', 1],
          ['notifications/cancelled', 2],
        ],
      );
      for (const id of [1, 2, 3]) {
        shared.says(ok(id));
      }
      assert.deepEqual([one.got(), two.got()], [[], [ok(1)]]);
    });
  });

  describe('requests of the server', () => {
    it('go to the client of the only call in flight, which alone may answer', () => {
      two.says(call(4));
      one.says({ id: 5, method: 'tools/list' });
      shared.got();
      shared.says(asks('ask'));
      assert.deepEqual([one.got(), two.got()], [[], [asks('ask')]]);
      one.says({ id: 'ask', result: { action: 'accept' } });
      assert.deepEqual(shared.got(), [], 'another client answers in its place');
      two.says({ id: 'ask', result: { action: 'decline' } });
      two.says({ id: 'ask', result: { action: 'accept' } });
      assert.deepEqual(shared.got(), [{ id: 'ask', result: { action: 'decline' } }]);
      assert.deepEqual(shared.evidence, []);
    });

    it('are refused, not guessed and not broadcast, while calls of two clients are in flight', () => {
      one.says(call(1));
      two.says(call(1));
      shared.got();
      shared.says(asks(8));
      assert.deepEqual([one.got(), two.got()], [[], []]);
      const [{ id, error } = {}, ...more] = shared.got();
      assert.deepEqual([id, typeof error, more.length], [8, 'object', 0]);
      assert.deepEqual(shared.evidence, ['it sent elicitation/create, which belongs to the calls of no one client']);
    });

    it('without a call in flight go to the only client, and end sharing; with two clients they are refused', () => {
      shared.says(asks(1));
      assert.deepEqual([one.got(), two.got(), shared.heard()], [[], [], ['answer 1']]);
      two.leaves();
      shared.says(asks(2));
      assert.deepEqual(one.got(), [asks(2)]);
      assert.equal(shared.evidence.length, 2);
    });

    it('a cancelled call that is not answered may still ask: for 60 s no other client is asked', () => {
      one.says(call(1));
      one.says(cancel(1));
      two.says(call(1));
      shared.got();
      shared.says(asks(1));
      assert.deepEqual([one.got(), two.got(), shared.heard()], [[], [], ['answer 1']]);
      shared.now = 60_001;
      shared.says(asks(2));
      assert.deepEqual(two.got(), [asks(2)]);
    });

    it('a cancelled call that is answered cannot ask any more', () => {
      one.says(call(1));
      one.says(cancel(1));
      shared.says(ok(1));
      two.says(call(1));
      shared.says(asks(1));
      assert.deepEqual([two.got(), shared.evidence], [[asks(1)], []]);
    });

    it('to a client that goes are answered with an error; a withdrawn one is told to its client alone', () => {
      one.says(call(1));
      shared.says(asks(1));
      shared.says(asks(2));
      one.got();
      shared.got();
      shared.says(cancel(1));
      assert.deepEqual([one.got(), two.got()], [[cancel(1)], []]);
      one.leaves();
      assert.deepEqual(shared.heard(), ['notifications/cancelled', 'answer 2']);
    });

    it('under an id that is in use reach no client and get no answer, which would be one to the first; a ping is answered at once', () => {
      one.says(call(1));
      shared.says(asks(1));
      shared.got();
      shared.says(asks(1));
      shared.says({ id: 'p', method: 'ping' });
      assert.deepEqual([one.got().length, shared.heard()], [1, ['answer p']]);
      assert.deepEqual(shared.evidence, ['it sent elicitation/create under an id that is in use']);
    });
  });

  describe('subscriptions', () => {
    const subscribed = (): void => {
      one.says(subscribe(1));
      shared.says(ok(1));
      two.says(subscribe(1));
      one.got();
      two.got();
      shared.got();
    };

    it('are counted: the server is asked by the first client and told by the last; updates reach the subscribers once', () => {
      one.says(subscribe(1));
      shared.says(ok(1));
      two.says(subscribe(1));
      assert.deepEqual([one.got(), two.got()], [[ok(1)], [ok(1)]]);
      shared.says(updated('file:///a'));
      shared.says(updated('file:///a/b'));
      shared.says(updated('file:///ab'));
      assert.deepEqual(one.got(), [updated('file:///a'), updated('file:///a/b')]);
      two.got();
      one.says(unsubscribe(2));
      assert.deepEqual(one.got(), [ok(2)]);
      shared.says(updated('file:///a'));
      assert.deepEqual([one.got(), two.got()], [[], [updated('file:///a')]]);
      two.says(unsubscribe(2));
      assert.deepEqual(shared.heard(), ['resources/subscribe 1', 'resources/unsubscribe 2']);
    });

    it('a client that has none and ends one takes it from no other client', () => {
      one.says(subscribe(1));
      shared.says(ok(1));
      two.says(unsubscribe(1));
      assert.deepEqual([shared.heard(), two.got()], [['resources/subscribe 1'], [ok(1)]]);
    });

    it('the first client ends its own while that of the second is in flight: the second keeps it', () => {
      one.says(subscribe(1));
      two.says(subscribe(1));
      shared.says(ok(1));
      one.says(unsubscribe(2));
      shared.says(ok(2));
      assert.deepEqual(shared.heard(), ['resources/subscribe 1', 'resources/subscribe 2']);
      shared.says(updated('file:///a'));
      assert.deepEqual(one.got(), [ok(1), ok(2)]);
      assert.deepEqual(two.got(), [ok(1), updated('file:///a')]);
    });

    it('one that was ended before its answer does not count', () => {
      one.says(subscribe(1));
      one.says(unsubscribe(2));
      shared.says(ok(1));
      shared.says(ok(2));
      two.says(subscribe(1));
      assert.deepEqual(shared.heard(), ['resources/subscribe 1', 'resources/unsubscribe 2', 'resources/subscribe 3']);
    });

    it('one that the server refuses, or that its client cancels, does not count', () => {
      one.says(subscribe(1));
      shared.says({ id: 1, error: { code: -1, message: 'no' } });
      two.says(subscribe(1));
      two.says(cancel(1));
      shared.says(updated('file:///a'));
      one.says(subscribe(2));
      assert.deepEqual([one.got().length, two.got()], [1, []]);
      assert.deepEqual(shared.heard(), [
        'resources/subscribe 1',
        'resources/subscribe 2',
        'notifications/cancelled',
        'resources/unsubscribe 3',
        'resources/subscribe 4',
      ]);
    });

    it('a client that goes keeps none', () => {
      subscribed();
      one.leaves();
      assert.deepEqual(shared.heard(), []);
      two.leaves();
      assert.deepEqual(shared.heard(), ['resources/unsubscribe 2']);
    });

    it('streams of protocol 2026-07-28 have an id of their client in each message and in the answer', () => {
      one.says(listen(3));
      two.says(listen('3'));
      const changed = (id: unknown): Message => ({ method: 'notifications/tools/list_changed', params: { _meta: { [stream]: id } } });
      shared.says(changed(2));
      shared.says(changed(1));
      shared.says({ id: 2, result: { resultType: 'complete', _meta: { [stream]: 2 } } });
      assert.deepEqual(one.got(), [changed(3)]);
      assert.deepEqual(two.got(), [changed('3'), { id: '3', result: { resultType: 'complete', _meta: { [stream]: '3' } } }]);
      shared.says(changed(2));
      assert.deepEqual([two.got(), shared.evidence], [[], []]);
      shared.says(changed('x'));
      assert.deepEqual([two.got(), shared.evidence.length], [[], 1]);
    });
  });

  describe('for all clients', () => {
    it('list_changed goes once to each', () => {
      shared.says({ method: 'notifications/tools/list_changed' });
      assert.deepEqual(
        [one.got(), two.got()],
        [[{ method: 'notifications/tools/list_changed' }], [{ method: 'notifications/tools/list_changed' }]],
      );
    });

    it('the server sees one handshake; a client that comes while it is under way waits for its answer', () => {
      one.says(initialize(0));
      two.says(initialize('0'));
      const result = { protocolVersion: '2025-06-18', capabilities: {} };
      shared.says({ id: 1, result });
      one.says({ method: 'notifications/initialized' });
      two.says({ method: 'notifications/initialized' });
      const three = shared.client();
      three.says(initialize(7));
      assert.deepEqual([one.got(), two.got(), three.got()], [[{ id: 0, result }], [{ id: '0', result }], [{ id: 7, result }]]);
      assert.deepEqual(shared.heard(), ['initialize 1', 'notifications/initialized']);
    });

    it('a handshake that the server refuses is tried again by the next client; one whose client goes is for the others', () => {
      one.says(initialize(0));
      two.says(initialize(0));
      shared.says({ id: 1, error: { code: -1, message: 'no' } });
      assert.deepEqual([one.got().length, two.got()], [1, []]);
      const three = shared.client();
      three.says(initialize(3));
      two.leaves();
      assert.deepEqual(shared.heard(), ['initialize 1', 'initialize 2']);
      shared.says({ id: 2, result: {} });
      assert.deepEqual(three.got(), [ok(3)]);
    });

    it('the server has the most detailed level that a client wants, and each client gets its own', () => {
      legacy();
      one.says(setLevel(1, 'error'));
      two.says(setLevel(1, 'debug'));
      one.says(setLevel(2, 'warning'));
      assert.deepEqual(
        shared.got().map(({ params }) => (params as Message).level),
        ['info', 'debug'],
        'a client that has set none wants info',
      );
      shared.says(ok(2));
      shared.says(ok(3));
      assert.deepEqual([one.got(), two.got()], [[ok(2), ok(1)], [ok(1)]]);
      shared.says(log('info'));
      shared.says(log('error'));
      assert.deepEqual([one.got(), two.got()], [[log('error')], [log('info'), log('error')]]);
      two.leaves();
      assert.deepEqual(shared.got().at(-1)?.params, { level: 'warning' });
    });

    it('a level that the server refuses is refused to the next client, too', () => {
      legacy();
      one.says(setLevel(1, 'info'));
      shared.says({ id: 2, error: { code: -32_601, message: 'no' } });
      two.says(setLevel(1, 'info'));
      assert.deepEqual(shared.heard(), ['logging/setLevel 2', 'logging/setLevel 3']);
    });

    it('a log message goes to the client whose calls alone run', () => {
      legacy();
      two.says(call(1));
      shared.says(log('info'));
      assert.deepEqual([one.got(), two.got()], [[], [log('info')]]);
      one.says(call(1));
      shared.says(log('info'));
      assert.deepEqual([one.got(), two.got()], [[log('info')], [log('info')]]);
      assert.deepEqual(shared.evidence, []);
    });
  });

  describe('what ends sharing', () => {
    const tools = (id: number, name: string): Message => ({ id, result: { tools: [{ name }] } });
    const list = (id: number): Message => ({ id, method: 'tools/list' });

    it('two clients get different lists; not one client at two times, and not after list_changed', () => {
      one.says(list(1));
      one.says(list(2));
      two.says(list(1));
      shared.says(tools(1, 'old'));
      shared.says(tools(2, 'new'));
      shared.says(tools(3, 'new'));
      shared.says({ method: 'notifications/tools/list_changed' });
      one.says(list(3));
      shared.says(tools(4, 'newer'));
      one.says(listen(9));
      shared.says({ method: 'notifications/tools/list_changed', params: { _meta: { [stream]: 5 } } });
      two.says(list(2));
      shared.says(tools(6, 'newest'));
      assert.deepEqual(shared.evidence, []);
      one.says(list(4));
      shared.says(tools(7, 'other'));
      assert.deepEqual(shared.evidence, ['two clients got different answers to tools/list']);
    });

    it('a notification that belongs to the calls of no one client, which reaches none', () => {
      shared.says({ method: 'notifications/own' });
      assert.deepEqual([one.got(), two.got()], [[], []]);
      assert.deepEqual(shared.evidence, ['it sent notifications/own, which belongs to the calls of no one client']);
      two.says(call(1));
      shared.says({ method: 'notifications/own' });
      assert.deepEqual([one.got(), two.got().length, shared.evidence.length], [[], 1, 1]);
    });

    for (const [name, capabilities] of [
      ['tasks', { tasks: {} }],
      ['its own word', { 'x-mux': { sharing: 'isolated' } }],
      ['its own word, as an experiment', { experimental: { 'x-mux': { sharing: 'isolated' } } }],
    ] as const) {
      for (const method of ['initialize', 'server/discover']) {
        it(`${name}, in the answer to ${method}`, () => {
          one.says({ id: 1, method, params: {} });
          shared.says({ id: 1, result: { capabilities } });
          assert.equal(shared.evidence.length, 1);
        });
      }
    }
  });
});
