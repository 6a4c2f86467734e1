import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'mocha';
import { verifyFault } from '../../../../src/guard/http/transport/reachable.ts';

/** The address of a server that keeps no process alive. */
async function served(answer: RequestListener): Promise<URL> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

describe('The first request of guard --http to a new server', () => {
  it('is led to no other host', async () => {
    const asked: string[] = [];
    const other = await served(({ url = '' }, response) => {
      asked.push(url);
      response.end();
    });
    const own = await served((_, response) => response.writeHead(307, { location: `${other.href}x` }).end());
    assert.equal(await verifyFault(own, '/mcp'), undefined, 'the server handles requests');
    assert.deepEqual(asked, []);
  });

  it('tells a server that fails', async () => {
    const own = await served((_, response) => response.writeHead(503).end());
    assert.equal(await verifyFault(own, '/mcp'), 'it answers with status 503');
  });
});
