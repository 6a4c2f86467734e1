import { connect, createServer } from 'node:net';
import { reasonOf } from '../../../base/errors.ts';

/** Whether a process accepts connections at an address, within 2 s. Sends nothing. */
export function acceptsConnections(url: URL): Promise<boolean> {
  return new Promise((resolve) => {
    const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
    const socket = connect({ host: url.hostname.replace(/^\[|\]$/g, ''), port, timeout: 2_000 });
    const done = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
    socket.once('timeout', () => done(false));
  });
}

/** For the first answer of a new server, ms. */
const verifyMs = 15_000;

/**
 * Sends a `ping`. Any answer below status 500 shows that the server handles requests.
 * @param path that clients use; without it nothing is sent
 * @returns why calls would fail; undefined when they would not
 */
export async function verifyFault(url: URL, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) {
    return undefined;
  }
  try {
    const response = await fetch(new URL(path, url), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' },
      body: '{"jsonrpc":"2.0","id":"mcp-shepherd-verify","method":"ping"}',
      signal: AbortSignal.timeout(verifyMs),
      // An answer like any other: a request that is led elsewhere leaves this machine.
      redirect: 'manual',
    });
    await response.body?.cancel();
    return response.status >= 500 ? `it answers with status ${response.status}` : undefined;
  } catch (error) {
    return `it accepts connections but does not answer (${reasonOf(error)})`;
  }
}

/** A port that is free now. If another process takes it first, the server fails to start and the next start uses another port. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || address === null) {
    throw new Error('there is no free port');
  }
  return address.port;
}
