import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { Relay } from '../../../src/guard/relay/relay.ts';
import { keptLines, keptServers, Ledger, restoreLink, restoreMemory } from '../../../src/host/ledger.ts';
import { RemoteServer } from '../../../src/host/remoteServer.ts';

const server = (): RemoteServer => new RemoteServer('1', 4_711, () => undefined, { isGroupAlive: () => true, startOf: () => '5' });
const line = (message: object): Buffer => Buffer.from(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);

/** What a relay keeps after these changes. */
function kept(before: ReadonlyMap<string, string>, changes: ReturnType<Ledger['changes']>): Map<string, string> {
  const ledger = new Map(before);
  for (const { key, text } of changes) {
    if (text === undefined) {
      ledger.delete(key);
    } else {
      ledger.set(key, text);
    }
  }
  return ledger;
}

describe('the ledger of a session', () => {
  it('a call that was answered leaves its entry to the next one; without a next one it is dropped', () => {
    const one = server();
    const relay = new Relay(new PassThrough(), new PassThrough());
    const ledger = new Ledger('/x/guard.cjs');
    const link = relay.connect(one);
    relay.release(link);
    relay.take(line({ id: 1, method: 'tools/call', params: { name: 'a' } }));
    relay.take(line({ id: 2, method: 'tools/call', params: { name: 'b' } }));
    const first = kept(new Map(), ledger.changes(relay, [one], 300));
    link.settle(1);
    relay.take(line({ id: 3, method: 'tools/call', params: { name: 'c' } }));
    const changes = ledger.changes(relay, [one], 300).filter(({ key }) => key.startsWith('call.'));
    assert.equal(changes.length, 1);
    const second = kept(first, changes);
    const toolsIn = (entries: ReadonlyMap<string, string>): unknown[] =>
      [...entries].filter(([key]) => key.startsWith('call.')).map(([, text]) => JSON.parse(text)[3]);
    assert.deepEqual(toolsIn(second).sort(), ['b', 'c']);
    link.settle(2);
    assert.deepEqual(toolsIn(kept(second, ledger.changes(relay, [one], 300))), ['c']);
    link.settle(3);
    assert.deepEqual(toolsIn(kept(second, ledger.changes(relay, [one], 300))), ['b'], 'only what changed is told');
  });

  it('brings another host to the same state: handshake, calls in flight, requests of the server, lines that wait', () => {
    const one = server();
    const relay = new Relay(new PassThrough(), new PassThrough());
    const ledger = new Ledger('/x/guard.cjs');
    const link = relay.connect(one);
    relay.release(link);
    relay.take(line({ id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18', clientInfo: { name: 'x' } } }));
    relay.memory.noteAnswer(1, { result: { protocolVersion: '2025-06-18', capabilities: { tasks: {} } } });
    link.settle(1);
    relay.take(line({ method: 'notifications/initialized' }));
    relay.take(line({ id: 'a b', method: 'tools/call', params: { name: 'slow' } }));
    relay.take(line({ id: 3, method: 'tools/list' }));
    link.asked.set('ask-1', 'ask-1');
    link.hasAnswered = true;
    const first = kept(new Map(), ledger.changes(relay, [one], 300));
    assert.deepEqual(ledger.changes(relay, [one], 300), [], 'nothing has changed');

    const other = new Relay(new PassThrough(), new PassThrough());
    const adopted = other.connect(server());
    restoreMemory(other.memory, first);
    const [state] = keptServers(first);
    assert.ok(state?.isCurrent);
    restoreLink(adopted, state, first);
    assert.deepEqual(
      [...adopted.inFlight].map(([id, { method, tool }]) => [id, method, tool]),
      [
        ['a b', 'tools/call', 'slow'],
        [3, 'tools/list', undefined],
      ],
    );
    assert.deepEqual([...adopted.asked], [['ask-1', 'ask-1']]);
    assert.deepEqual([adopted.hasAnswered, adopted.hasBeenCalled], [true, true]);
    const { initialize, protocolVersion, hasTasks, initialized, asked } = other.memory;
    assert.deepEqual([initialize, protocolVersion, hasTasks], [relay.memory.initialize, '2025-06-18', true]);
    assert.deepEqual(initialized?.toString(), relay.memory.initialized?.toString());
    assert.deepEqual([...asked.keys()], [3]);
    assert.equal(first.get('grace'), '300');

    link.settle('a b');
    relay.hold();
    relay.take(line({ id: 4, method: 'tools/call', params: { name: 'later' } }));
    const second = kept(first, ledger.changes(relay, [one], 300));
    assert.deepEqual([...second.keys()].filter((key) => key.startsWith('call.')).length, 1);
    assert.deepEqual(keptLines(second).map(String), [line({ id: 4, method: 'tools/call', params: { name: 'later' } }).toString()]);
  });

  it('a call that was answered within one turn leaves no entry; those of a server that is gone are dropped', () => {
    const one = server();
    const relay = new Relay(new PassThrough(), new PassThrough());
    const ledger = new Ledger('/x/guard.cjs');
    const link = relay.connect(one);
    relay.release(link);
    link.take(1, 'tools/call', 'x');
    link.settle(1);
    link.take(2, 'tools/call', 'x');
    const first = kept(new Map(), ledger.changes(relay, [one], 1));
    assert.deepEqual([...first.keys()].sort(), ['call.1', 'grace', 'program', 'server.1']);
    relay.disconnect(link, 'it ended');
    assert.deepEqual([...kept(first, ledger.changes(relay, [one], 1)).keys()].sort(), ['grace', 'program']);
  });
});
