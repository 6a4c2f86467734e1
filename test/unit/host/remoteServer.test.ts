import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { Relay } from '../../../src/guard/relay/relay.ts';
import { RemoteServer } from '../../../src/host/remoteServer.ts';
import { RemoteSource } from '../../../src/host/remoteStreams.ts';

const line = (message: object): Buffer => Buffer.from(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);

const checks = { isGroupAlive: () => true, startOf: () => '5' };

describe('a server that is the child of a relay', () => {
  const sent: string[] = [];
  const server = new RemoteServer('1', 4_711, (kind, name, body) => void sent.push([kind, name, body ?? ''].join(' ').trim()), {
    ...checks,
  });
  const client = new PassThrough();
  const relay = new Relay(new PassThrough(), client);
  const link = relay.connect(server);
  relay.release(link);
  link.hasAnswered = true;

  it('what its relay has passed to the client is noted, and not sent again', () => {
    relay.take(line({ id: 1, method: 'tools/call', params: { name: 'x' } }));
    relay.take(line({ id: 2, method: 'tools/call', params: { name: 'x' } }));
    assert.equal(link.inFlight.size, 2);
    server.stdout.push(line({ id: 1, result: {} }), true);
    assert.deepEqual([...link.inFlight.keys()], [2]);
    assert.equal(client.read(), null);
    server.stdout.push(line({ id: 2, result: {} }));
    assert.deepEqual(JSON.parse(`${client.read()}`), { jsonrpc: '2.0', id: 2, result: {} });
  });

  it('its relay passes its lines only while the session would pass them unchanged, and not before a call is given up', async () => {
    sent.length = 0;
    server.passDirectly(relay.isPlain(link));
    relay.take(line({ id: 3, method: 'tools/list' }));
    server.passDirectly(relay.isPlain(link));
    server.stdout.push(line({ id: 3, result: { tools: [] } }));
    server.passDirectly(relay.isPlain(link));
    assert.deepEqual(
      sent.filter((text) => text.startsWith('direct')),
      ['direct 1 on', 'direct 1', 'direct 1 on'],
    );
    let isApart = false;
    const apart = server.apart().then(() => {
      isApart = true;
    });
    server.passDirectly(relay.isPlain(link));
    assert.equal(sent.at(-1), 'direct 1');
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(!isApart, 'an answer may be under way');
    server.isApart();
    await apart;
  });

  it('what its relay has sent to it is noted, also while the client is paused, and not sent again', () => {
    const [input, other] = [new RemoteSource(() => undefined), new RemoteServer('2', 4_712, () => undefined, checks)];
    const output = new PassThrough();
    const session = new Relay(input, output);
    const own = new RemoteServer('1', 4_711, (kind, name, body) => void sent.push([kind, name, body ?? ''].join(' ').trim()), checks);
    const current = session.connect(own);
    session.release(current);
    sent.length = 0;
    const lines = (): string[] => sent.filter((text) => text.startsWith('lines'));
    input.pause();
    input.push(Buffer.concat([1, 2].map((id) => line({ id, method: 'tools/call', params: { name: 'x' } }))), own);
    own.stdout.push(line({ id: 1, result: {} }), true);
    assert.deepEqual([...current.inFlight.keys()], [2]);
    input.push(line({ method: 'notifications/cancelled', params: { requestId: 2 } }), own);
    assert.deepEqual([[...current.inFlight.keys()], lines(), output.read()], [[], [], null]);
    // Sent to a server that is gone by now, and to one of an earlier host.
    session.disconnect(current, 'It ended');
    input.push(line({ id: 3, method: 'tools/call', params: { name: 'x' } }), own);
    input.push(line({ id: 4, method: 'resources/read' }), other);
    const answers = `${output.read()}`
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text));
    assert.deepEqual(
      answers.map(({ id }) => id),
      [3, 4],
    );
    assert.ok(JSON.stringify(answers).match(/may have been carried out/g)?.length === 2);
    assert.deepEqual(lines(), []);
  });

  it('its relay sends it lines of the client only while no call is judged, and not before a restart counts the calls in flight', async () => {
    const gate = { isOff: false, amends: false, serves: () => undefined } as unknown as NonNullable<Relay['gate']>;
    relay.memory.initialize = { protocolVersion: '2025-06-18' };
    relay.gate = gate;
    assert.ok(!relay.isOpen, 'files are compared before a call');
    relay.gate = { ...gate, isOff: true };
    assert.ok(relay.isOpen);
    relay.hold();
    assert.ok(!relay.isOpen, 'messages wait');
    relay.release(link);
    assert.ok(relay.isOpen);
    sent.length = 0;
    for (const isPlain of [true, true, false, true]) {
      server.openFor(isPlain);
    }
    assert.deepEqual(sent, ['open 1 on', 'open 1', 'open 1 on']);
    let isShut = false;
    const shut = server.shut().then(() => {
      isShut = true;
    });
    server.openFor(true);
    assert.deepEqual(sent.slice(3), ['open 1']);
    server.isShut();
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(!isShut, 'that was the answer to the first one');
    server.isShut();
    await shut;
    await server.shut();
    await new RemoteServer('2', 4_712, () => undefined, checks).shut();
  });
});
