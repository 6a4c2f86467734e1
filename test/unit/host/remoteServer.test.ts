import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { Relay } from '../../../src/guard/relay/relay.ts';
import { RemoteServer } from '../../../src/host/remoteServer.ts';

const line = (message: object): Buffer => Buffer.from(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);

describe('a server that is the child of a relay', () => {
  const sent: string[] = [];
  const server = new RemoteServer('1', 4_711, (kind, name, body) => void sent.push([kind, name, body ?? ''].join(' ').trim()), {
    ...{ isGroupAlive: () => true, startOf: () => '5' },
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
});
