import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askInstance } from '../../../src/lock/control/controlClient.ts';
import type { InstanceRecord } from '../../../src/lock/instanceRecord.ts';
import { findLockDirectory } from '../../../src/lock/lockDirectory.ts';
import { createProcessTable } from '../../../src/process/createProcessTable.ts';
import { processTree } from '../../../src/process/tree/processTree.ts';
import { createRedactor } from '../../../src/redaction/redactor.ts';
import { LockFolder } from '../../../src/survey/records/lockFolder.ts';
import { until } from '../../until.ts';
import {
  carriedOut,
  GuardHome,
  isRunning,
  type Message,
  publishedGuards,
  type RawClient,
  resultText,
  strictServer,
} from './guardedServer.ts';

/** Tells what it got as the answer to whatever it answers, and never answers a call. */
const recorder = `
import json, sys
seen = []
def send(message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)
for line in sys.stdin:
    message = json.loads(line)
    for one in message if isinstance(message, list) else [message]:
        method = one["method"]
        seen.append(one["id"] if method == "tools/call" else "withdrawn " + one["params"]["requestId"] if method == "notifications/cancelled" else method)
        if method == "initialize":
            send({"id": one["id"], "result": {"protocolVersion": "2025-03-26", "capabilities": {"tools": {}}, "serverInfo": {"name": "recorder", "version": "1"}}})
        elif method == "tools/list":
            send({"id": one["id"], "result": {"tools": [], "content": [{"type": "text", "text": ", ".join(seen)}]}})
`;

describe('guard: restart without the client noticing', function () {
  this.timeout(60_000);
  let home: GuardHome;
  beforeEach(() => {
    home = new GuardHome();
  });
  afterEach(() => home.clean());

  /** Over the guard's control endpoint. @returns what came of it */
  async function askForRestart(): Promise<unknown> {
    const opened = findLockDirectory(join(home.run, 'v1'));
    assert.ok(opened && 'directory' in opened);
    const record = publishedGuards(home.run)[0]?.record as unknown as InstanceRecord;
    const answer = await askInstance({ directory: opened.directory, record, verb: 'restart', by: 'the test' });
    assert.equal(answer.status, 'ok', JSON.stringify(answer));
    return 'result' in answer ? answer.result : undefined;
  }

  /** @returns the PID of another server than one */
  async function anotherThan(client: RawClient, one: string | undefined): Promise<string> {
    let other = '';
    await until('another server answers', async () => {
      other = await client.text('pid');
      return /^\d+$/.test(other) && other !== one;
    });
    return other;
  }

  async function restartOf(client: RawClient, act: () => void = () => client.child.kill('SIGUSR2')): Promise<string> {
    const before = await client.text('pid');
    act();
    await anotherThan(client, before);
    return before;
  }

  it('A29 a strict server gets the whole handshake again, its log level and subscriptions, and the client sees none of it', async () => {
    const client = await home.strict();
    await client.handshake();
    await client.request('logging/setLevel', { level: 'warning' });
    await client.request('resources/subscribe', { uri: 'file:///x' });
    const before = client.messages.length;
    const old = await restartOf(client);
    const { pid, ...state } = JSON.parse(await client.text('state'));
    assert.notEqual(String(pid), old);
    assert.deepEqual(state, { initialize: 1, initialized: 1, level: 'warning', subscribed: ['file:///x'], answers: {}, listens: [] });
    assert.ok(!isRunning(Number(old)));
    assert.ok(
      client.messages.slice(before).every((message) => typeof message.id === 'number'),
      'nothing but answers to our own ids',
    );
    assert.deepEqual([...new Set(client.messages.map(({ id }) => id))].length, client.messages.length, 'every id once');
  });

  it('A29 control: without the handshake the same server refuses every call', async () => {
    const client = await home.strict();
    const answer = await client.call('pid');
    assert.ok(JSON.stringify(answer.error).includes('before initialization'));
  });

  it('A29 the call in flight is finished by the server that has it, and later calls wait for the next server', async () => {
    const client = await home.strict([], [`--log=${home.path('calls')}`]);
    await client.handshake();
    const slow = client.call('sleep', { seconds: 0.7, token: 'p', n: 'slow' });
    await until('the call is carried out', () => home.calls().length === 1);
    client.child.kill('SIGUSR2');
    await until('the restart has begun', () => client.stderr.includes('restarting'));
    const [during, old] = await Promise.all([client.text('pid', { n: 'during' }), slow.then(resultText)]);
    assert.notEqual(during, old);
    assert.deepEqual(
      home.calls().map((line) => line.split(' ').slice(1).join(' ')),
      ['sleep slow', 'pid during'],
    );
    assert.equal(client.notifications('notifications/progress').length, 1);
  });

  it('A29 a call that outlasts the wait is answered as cut off, and is not repeated', async () => {
    const client = await home.strict(['--drain', '0.2'], [`--log=${home.path('calls')}`]);
    await client.handshake();
    const slow = client.call('sleep', { seconds: 600, n: 'slow' });
    await until('the call is carried out', () => home.calls().length === 1);
    client.child.kill('SIGUSR2');
    const answer = await slow;
    assert.equal(carriedOut(resultText(answer)), 'unknown');
    assert.equal((answer.result as { isError?: boolean }).isError, true);
    await client.text('pid');
    assert.equal(home.calls().filter((line) => line.includes('slow')).length, 1);
  });

  it('A29 the child crashes in a call: the call says so, the next one is served', async () => {
    const client = await home.strict([], [`--log=${home.path('calls')}`]);
    await client.handshake();
    const answer = await client.call('crash', { n: 'once' });
    assert.equal(carriedOut(resultText(answer)), 'unknown');
    assert.ok(
      ['SIGKILL', 'crash'].every((word) => resultText(answer).includes(word)),
      resultText(answer),
    );
    assert.ok(Number(await client.text('pid')) > 0);
    assert.equal(home.calls().filter((line) => line.includes('once')).length, 1);
  });

  it('A29 control: without the guard the crash ends the session', async () => {
    const client = home.start('python3', [new URL('strictServer.py', import.meta.url).pathname]);
    await client.handshake();
    await assert.rejects(client.call('crash'), /unanswered/);
  });

  it('A29 a list that is another one after the restart is announced, once; the announcement stood in the answer to initialize', async () => {
    writeFileSync(home.path('version'), 'one');
    const client = await home.strict([], [`--version-from=${home.path('version')}`]);
    const answer = await client.handshake();
    assert.deepEqual((answer.result as { capabilities: Message }).capabilities.tools, { listChanged: true });
    await client.request('tools/list');
    await restartOf(client);
    writeFileSync(home.path('version'), 'two');
    await restartOf(client);
    await until('the change is announced', () => client.notifications('notifications/tools/list_changed').length > 0);
    assert.ok(JSON.stringify(await client.request('tools/list')).includes('tool_of_two'));
    await restartOf(client);
    await client.text('pid');
    assert.equal(client.notifications('notifications/tools/list_changed').length, 1);
  });

  it('A29 a list that comes in pages is announced after a restart only when it is another one', async () => {
    writeFileSync(home.path('version'), 'one');
    const client = await home.strict([], [`--version-from=${home.path('version')}`, '--page=2']);
    await client.handshake();
    for (let cursor: unknown, first = true; first || cursor !== undefined; first = false) {
      const { result } = await client.request('tools/list', cursor === undefined ? {} : { cursor });
      cursor = typeof result === 'object' && result !== null && 'nextCursor' in result ? result.nextCursor : undefined;
    }
    await restartOf(client);
    await until('it was asked for all its pages', async () => (await client.text('pages')) === '5');
    assert.deepEqual(client.notifications('notifications/tools/list_changed'), []);
    writeFileSync(home.path('version'), 'two');
    await restartOf(client);
    await until('the change is announced', () => client.notifications('notifications/tools/list_changed').length > 0);
    assert.equal(await client.text('pages'), '5');
    assert.equal(client.notifications('notifications/tools/list_changed').length, 1);
  });

  it('A29 the child dies in the middle of an answer: what is left of it spoils no other message', async () => {
    const client = await home.strict();
    await client.handshake();
    const cut = await client.text('cut', { bytes: 30 });
    assert.deepEqual([carriedOut(cut), cut.includes('exit code 4')], ['unknown', true], cut);
    assert.ok(Number(await client.text('pid')) > 0);
    assert.equal(client.lines.filter((line) => line.length === 31 && line.toString().startsWith('{"jsonrpc"')).length, 1);
  });

  it('A29 the child dies after all of an answer but its line break: the call is answered, once', async () => {
    const client = await home.strict();
    await client.handshake();
    const id = 'cut';
    assert.equal(resultText(await client.request('tools/call', { name: 'cut', arguments: {} }, id)), 'whole');
    assert.ok(Number(await client.text('pid')) > 0);
    assert.equal(client.messages.filter((message) => message.id === id).length, 1);
  });

  it('A29 a child that closes its output can answer nothing: it is ended and replaced', async () => {
    const client = await home.strict();
    await client.handshake();
    const old = Number(await client.text('pid'));
    assert.equal(carriedOut(await client.text('mute')), 'unknown');
    assert.notEqual(Number(await client.text('pid')), old);
    assert.equal(isRunning(old), false);
    assert.ok(client.stderr.includes(`(PID ${old})`), client.stderr);
  });

  it('A29 requests of the old server are cancelled, and a late answer to one is dropped', async () => {
    const client = await home.strict(['--drain', '0.1']);
    await client.handshake();
    const call = client.call('ask', { n: 7 });
    await until('the server asks', () => client.notifications('sampling/createMessage').length === 1);
    await Promise.all([call, client.child.kill('SIGUSR2')]);
    assert.deepEqual(
      client.notifications('notifications/cancelled').map(({ params }) => params),
      [{ requestId: 'ask-7', reason: 'the server was replaced' }],
    );
    // The new server asks by the same id: the client must be able to tell them apart.
    const again = client.text('ask', { n: 7 });
    await until('the new server asks', () => client.notifications('sampling/createMessage').length === 2);
    client.send({ id: 'ask-7', result: { answer: 'late' } });
    const { id } = client.notifications('sampling/createMessage')[1] ?? {};
    assert.notEqual(id, 'ask-7');
    client.send({ id, result: { answer: 'right' } });
    assert.deepEqual(JSON.parse(await again), { answer: 'right' });
  });

  it('A30 a new version that does not start: every call is answered with the reason, and it is tried again', async () => {
    const client = await home.strict([], [`--fail-if=${home.path('broken')}`]);
    await client.handshake();
    writeFileSync(home.path('broken'), '');
    client.child.kill('SIGUSR2');
    let said = '';
    await until('a call is refused with the reason', async () => {
      said = await client.text('pid');
      return said.includes('does not run');
    });
    assert.deepEqual([carriedOut(said), said.includes('exit code 3')], ['no', true], said);
    await until('B26: the record says why, and how many calls were refused', () => {
      const x = publishedGuards(home.run)[0]?.record.x as { problem?: string; refused?: { calls: number; last: string } } | undefined;
      return /exit code 3/.test(x?.problem ?? '') && (x?.refused?.calls ?? 0) > 0 && /does not run/.test(x?.refused?.last ?? '');
    });
    const facts = new LockFolder(home.run);
    facts.read();
    const look = await facts.join(processTree(await (await createProcessTable()).list()), []);
    const [shown] = look.serverless(createRedactor([]));
    assert.ok(
      [`(PID ${client.pid})`, 'exit code 3'].every((part) => shown?.message.includes(part)),
      shown?.message,
    );
    rmSync(home.path('broken'));
    await until('it is brought back', async () => /^\d+$/.test(await client.text('pid')), 30_000);
  });

  it('A30 with overlap a new version that does not start leaves the old one serving', async () => {
    const client = await home.strict(['--overlap'], [`--fail-if=${home.path('broken')}`]);
    await client.handshake();
    const old = await client.text('pid');
    writeFileSync(home.path('broken'), '');
    client.child.kill('SIGUSR2');
    await until('the attempt failed', () => client.stderr.includes('the old one still serves'));
    assert.equal(await client.text('pid'), old);
    rmSync(home.path('broken'));
    assert.equal(await restartOf(client), old);
    await until('the old one is gone', () => !isRunning(Number(old)));
  });

  for (const [says, after, kept] of [
    ['all say that they only read is overlapped without being told to', ['--read-only'], true],
    ['do not is stopped first (control)', [], false],
  ] as const) {
    it(`A30 a server whose tools ${says}`, async () => {
      const client = await home.strict([], [...after, `--fail-if=${home.path('broken')}`]);
      await client.handshake();
      await client.request('tools/list', {});
      const old = await client.text('pid');
      writeFileSync(home.path('broken'), '');
      client.child.kill('SIGUSR2');
      await until('the attempt failed', () => client.stderr.includes('was not restarted'));
      assert.equal(client.stderr.includes('the old one still serves'), kept);
      assert.equal(isRunning(Number(old)), kept);
    });
  }

  it('A30 with overlap, 2026-07-28, from a client that asked for no server/discover: a new version that does not start does not replace the old server', async () => {
    const client = await home.strict(['--overlap'], [`--fail-if=${home.path('broken')}`]);
    const pid = async (): Promise<string> =>
      resultText(await client.request('tools/call', { name: 'pid', _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } }));
    const old = await pid();
    writeFileSync(home.path('broken'), '');
    client.child.kill('SIGUSR2');
    await until('it is told', () => client.stderr.includes('the old one still serves'));
    assert.equal(await pid(), old);
    rmSync(home.path('broken'));
    client.child.kill('SIGUSR2');
    await until('another server answers', async () => /^\d+$/.test(await pid()) && (await pid()) !== old);
  });

  it('A30 with overlap the call in flight is finished by the old server while the new one serves', async () => {
    const client = await home.strict(['--overlap'], [`--log=${home.path('calls')}`]);
    await client.handshake();
    const slow = client.text('sleep', { seconds: 1 });
    await until('the call is carried out', () => home.calls().length === 1);
    const old = await restartOf(client);
    assert.equal(await slow, old);
  });

  it('A30 with overlap the new server crashes while the old one finishes a call: another one is started, and the restart reports that', async () => {
    const client = await home.strict(['--overlap'], [`--log=${home.path('calls')}`]);
    await client.handshake();
    await until('it is published', () => publishedGuards(home.run)[0]?.server !== undefined);
    const slow = client.text('sleep', { seconds: 60, until: home.path('enough') });
    await until('the call is carried out', () => home.calls().length === 1);
    let outcome: unknown;
    const asked = askForRestart().then((answer) => {
      outcome = answer;
    });
    const second = await anotherThan(client, home.calls()[0]?.split(' ')[0]);
    process.kill(Number(second), 'SIGKILL');
    const third = await anotherThan(client, second);
    assert.equal(outcome, undefined, 'the old one has its call still');
    writeFileSync(home.path('enough'), '');
    assert.equal(await slow, home.calls()[0]?.split(' ')[0]);
    await asked;
    const { status, pid } = outcome as unknown as { status: string; pid: number };
    assert.deepEqual([status, pid], ['restarted', Number(third)]);
    assert.equal(await restartOf(client), third, 'it is restarted as ever');
  });

  it('A30 a server that never worked is no crash: the guard ends as it ended', async () => {
    writeFileSync(home.path('broken'), '');
    const client = await home.strict([], [`--fail-if=${home.path('broken')}`]);
    client.send({ id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18' } });
    const { code } = await client.ended;
    assert.equal(code, 3);
    assert.ok(client.stderr.includes('this version does not start'), 'what the server said is passed on');
  });

  it('A30, test 34: no storm: after five crashes in a minute calls are answered with the reason', async () => {
    const client = await home.strict();
    await client.handshake();
    for (let crashes = 0; crashes < 6; crashes += 1) {
      await client.call('crash');
    }
    let said = '';
    await until('the limit is reached', async () => {
      said = await client.text('pid');
      return said.includes('too often');
    });
    assert.ok(said.includes('SIGKILL'), said);
    const ends = () =>
      (publishedGuards(home.run)[0]?.record.x as { ends?: { last: { signal?: string }[]; errors: string[] } } | undefined)?.ends;
    // The guard writes its record a moment after an end, so the sixth end may be missing in it.
    const told = () => client.stderr.split('no way to go on').length - 1;
    await until(
      'the record has each end of which the client was told, and what the server said last',
      () => told() >= 5 && ends()?.last.length === told() && ends()?.errors.length === 1,
    );
    assert.deepEqual([ends()?.last.every(({ signal }) => signal === 'SIGKILL'), ends()?.errors], [true, ['no way to go on']]);
    client.child.stdin?.end();
    assert.equal((await client.ended).code, 1);
  });

  it('a restart request while no server runs starts one at once, and gets the result', async () => {
    const client = await home.strict([], [`--fail-if=${home.path('broken')}`]);
    await client.handshake();
    for (let crashes = 0; crashes < 6; crashes += 1) {
      await client.call('crash');
    }
    await until('the limit is reached', async () => (await client.text('pid')).includes('too often'));
    writeFileSync(home.path('broken'), '');
    const { status, kept } = (await askForRestart()) as { status: string; kept: boolean };
    assert.deepEqual([status, kept], ['failed', false]);
    rmSync(home.path('broken'));
    assert.equal(((await askForRestart()) as { status: string }).status, 'restarted');
    assert.ok(Number(await client.text('pid')) > 0);
  });

  it('SIGTERM while a restart waits for a call: no server is started, and the call is answered', async () => {
    const client = await home.guard(['--', 'sh', '-c', `echo one >> ${home.path('starts')}; exec python3 ${strictServer}`]);
    await client.handshake();
    const call = client.text('sleep', { seconds: 60 });
    await client.text('pid');
    client.child.kill('SIGUSR2');
    await until('the restart has begun', () => client.stderr.includes('restarting'));
    client.child.kill('SIGTERM');
    assert.equal(carriedOut(await call), 'unknown');
    assert.equal((await client.ended).signal, 'SIGTERM');
    assert.equal(readFileSync(home.path('starts'), 'utf8'), 'one\n');
  });

  it('what is withdrawn while it waits in an array is withdrawn at the server that gets it; withdrawn by an array, nothing waits for it', async () => {
    const client = await home.guard(['--drain', '600', '--', 'python3', '-c', recorder]);
    await client.handshake();
    client.send({ id: 'long', method: 'tools/call', params: { name: 'wait' } });
    client.child.kill('SIGUSR2');
    await until('the restart has begun', () => client.stderr.includes('restarting'));
    client.write('[{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"wait"}}]\n');
    client.send({ method: 'notifications/cancelled', params: { requestId: 'a' } });
    client.send({ method: 'notifications/cancelled', params: { requestId: 'long' } });
    assert.equal(resultText(await client.request('tools/list')), 'initialize, notifications/initialized, a, withdrawn a, tools/list');
    client.write('[{"jsonrpc":"2.0","id":"b","method":"tools/call","params":{"name":"wait"}}]\n');
    client.write('[{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"b"}}]\n');
    await client.request('tools/list');
    client.child.kill('SIGUSR2');
    await until('a new one serves', async () => !resultText(await client.request('tools/list')).includes('withdrawn b'));
  });

  it('B18 a server that is ended from outside leaves no call without an answer', async () => {
    const client = await home.strict();
    await client.handshake();
    const call = client.text('sleep', { seconds: 60 });
    await client.text('pid');
    client.child.kill('SIGTERM');
    const said = await call;
    assert.deepEqual([carriedOut(said), said.includes('SIGTERM')], ['unknown', true], said);
  });

  it('A27 protocol 2026-07-28: nothing to replay but what is listened for; its second acknowledgement stays with us', async () => {
    writeFileSync(home.path('version'), 'one');
    const client = await home.strict([], [`--version-from=${home.path('version')}`]);
    const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };
    const ask = async (name: string): Promise<string> => resultText(await client.request('tools/call', { name, _meta }));
    await client.request('server/discover', { _meta });
    await client.request('tools/list', { _meta });
    client.send({ id: 'listen', method: 'subscriptions/listen', params: { _meta, notifications: { toolsListChanged: true } } });
    await until('it is acknowledged', () => client.notifications('notifications/subscriptions/acknowledged').length === 1);
    const old = await ask('pid');
    writeFileSync(home.path('version'), 'two');
    client.child.kill('SIGUSR2');
    await until('another server answers', async () => (await ask('pid')) !== old);
    const state = JSON.parse(await ask('state'));
    assert.deepEqual([state.initialize, state.listens], [0, ['listen']]);
    await until('the change is announced', () => client.notifications('notifications/tools/list_changed').length === 1);
    const [changed] = client.notifications('notifications/tools/list_changed') as { params: { _meta: Message } }[];
    assert.equal(changed?.params._meta['io.modelcontextprotocol/subscriptionId'], 'listen');
    assert.equal(client.notifications('notifications/subscriptions/acknowledged').length, 1);
  });

  for (const [what, options, said] of [
    [
      'is refused by a server that seals it for itself: the refusal says why',
      [],
      /^Invalid requestState \(The server was restarted after it had asked for this input/,
    ],
    ['continues with a server that accepts it', ['--any-state'], /^me \d+$/],
  ] as const) {
    it(`A27 input_required: what a server before the restart asked for ${what}`, async () => {
      const client = await home.strict([], options);
      const _meta = {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
      };
      const ask = (name: string, more = {}): Promise<Message> => client.request('tools/call', { name, _meta, ...more });
      const words = ({ error, result }: Message): string =>
        typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : resultText({ result });
      const begin = async (): Promise<Message> => {
        const { result } = await ask('round');
        const requestState = typeof result === 'object' && result !== null && 'requestState' in result ? result.requestState : undefined;
        return { requestState, inputResponses: { name: { action: 'accept', content: 'me' } } };
      };
      const old = resultText(await ask('pid'));
      assert.equal(words(await ask('round', await begin())), `me ${old}`);
      const input = await begin();
      client.child.kill('SIGUSR2');
      await until('another server answers', async () => resultText(await ask('pid')) !== old);
      assert.match(words(await ask('round', input)), said);
      // What has nothing to do with the restart stays as the server said it.
      assert.match(
        words(await ask('round', { ...input, requestState: 'made up' })),
        options.length === 0 ? /^Invalid requestState$/ : said,
      );
      assert.notEqual(words(await ask('round', await begin())), `me ${old}`);
    });
  }
});
