import assert from 'node:assert/strict';
import { readEnvelope } from '../../../../src/guard/message/envelope.ts';
import { ConnectedServers } from '../../../../src/guard/relay/connectedServers.ts';
import type { ServerLink } from '../../../../src/guard/relay/serverLink.ts';
import { ServerRequests } from '../../../../src/guard/relay/serverRequests.ts';

/** A server that only asks. */
function asking(servers: ConnectedServers, requests: ServerRequests) {
  const got: string[] = [];
  const link = { asked: new Map(), out: { add: (line: Buffer) => got.push(line.toString()) } } as unknown as ServerLink;
  servers.add(link);
  const ask = (id: string): string => {
    const line = Buffer.from(`${JSON.stringify({ jsonrpc: '2.0', id, method: 'roots/list' })}\n`);
    const envelope = readEnvelope(line);
    assert.equal(envelope.kind, 'request');
    return requests.asked(link, line, envelope as Parameters<ServerRequests['asked']>[2]).toString();
  };
  const remembered = (): number => [...link.asked.keys()].join('').length;
  return { link, ask, remembered, got };
}

describe('requests of servers', () => {
  it('of a server that asks without end are remembered up to a limit, and all of them pass', () => {
    const servers = new ConnectedServers();
    const requests = new ServerRequests(servers);
    const { link, ask, remembered, got } = asking(servers, requests);
    servers.serve(link);
    const first = ask('first');
    for (let count = 0; count < 3_000; count++) {
      const id = `${count}-${'y'.repeat(count % 2 === 0 ? 100 : 100_000)}`;
      assert.ok(ask(id).includes(id));
    }
    assert.ok(link.asked.size <= 1_000 && remembered() <= 1_000_000, `${link.asked.size} requests, ${remembered()} characters`);
    assert.ok(first.includes('"first"') && link.asked.has('first'), 'the control: requests are remembered');
    // Neither the answer to a remembered request nor the one to another is lost.
    for (const id of ['first', '2998-']) {
      const line = Buffer.from(`${JSON.stringify({ jsonrpc: '2.0', id, result: {} })}\n`);
      requests.answered(line, readEnvelope(line) as Parameters<ServerRequests['answered']>[1]);
    }
    assert.equal(got.length, 2);
  });

  it('of servers that are gone are remembered up to a limit', () => {
    const servers = new ConnectedServers();
    const requests = new ServerRequests(servers);
    let answersForGone = 0;
    for (let restart = 0; restart < 15; restart++) {
      const { link, ask } = asking(servers, requests);
      for (let count = 0; count < 1_000; count++) {
        ask(`${restart}-${count}`);
      }
      servers.remove(link);
      assert.equal(requests.close(link).length, 1_000, 'each is cancelled');
    }
    const { link, got } = asking(servers, requests);
    servers.serve(link);
    for (let restart = 0; restart < 15; restart++) {
      for (let count = 0; count < 1_000; count++) {
        const line = Buffer.from(`{"jsonrpc":"2.0","id":"${restart}-${count}","result":{}}\n`);
        const before = got.length;
        requests.answered(line, readEnvelope(line) as Parameters<ServerRequests['answered']>[1]);
        answersForGone += got.length === before ? 1 : 0;
      }
    }
    assert.ok(answersForGone >= 1_000 && answersForGone <= 10_000, `${answersForGone}`);
  });
});
