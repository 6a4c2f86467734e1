import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'mocha';
import { findOpencodes } from '../../../../src/action/execute/opencode.ts';
import type { ProcessRow } from '../../../../src/model/process.ts';
import { until } from '../../../until.ts';
import { onlyOnLinux } from '../../onlyOnLinux.ts';

/** What looks for opencode at the port of this process gets this answer. @returns whether it is taken for opencode, and how many bytes of the answer it took */
async function asked(answer: (response: ServerResponse) => void): Promise<{ readonly found: boolean; readonly bytes: number }> {
  let closed = 0;
  let bytes = 0;
  const server = createServer((_, response) => {
    response.on('close', () => {
      closed += 1;
      bytes += response.socket?.bytesWritten ?? 0;
    });
    response.writeHead(200, { 'Content-Type': 'application/json', Connection: 'close' });
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const row = { pid: process.pid, argv: ['opencode', 'serve', '--port', String(port)] } as unknown as ProcessRow;
    const found = await findOpencodes([row], new Map([[process.pid, '/']]));
    await until('the answer is closed', () => closed > 0);
    return { found: found.has(process.pid), bytes };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('An answer at a port of opencode', () => {
  onlyOnLinux('ports of a process are read from /proc');

  it('is read where it is a list of servers', async () => {
    const { found } = await asked((response) => response.end('{"notes":{"status":"connected"}}'));
    assert.equal(found, true);
  });

  it('is read to 4 MB at most', async () => {
    const { found, bytes } = await asked((response) => {
      const part = Buffer.alloc(65_536, 'a');
      const more = (): void => {
        while (!response.destroyed && response.write(part)) {
          // Until the connection is full.
        }
      };
      response.on('drain', more).write('{"notes":{"status":"');
      more();
    });
    assert.equal(found, false);
    // What was read, and what waits in the buffers of a connection.
    assert.ok(bytes < 24 * 1_048_576, `${bytes}`);
  }).timeout(20_000);

  it('of another kind is no list of servers', async () => {
    for (const text of ['[]', 'null', '{"a":1}', '{"a":', '\ufeff{}x']) {
      assert.equal((await asked((response) => response.end(text))).found, false, text);
    }
  });
});
