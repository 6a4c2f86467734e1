import { isRecord } from '../../base/json.ts';
import { readControlSecret } from '../../lock/control/controlSecret.ts';
import { listInstanceRecords } from '../../lock/instanceRecord.ts';
import { findLockDirectory } from '../../lock/lockDirectory.ts';
import type { ProcessIdentity } from '../../model/process.ts';
import { isMark } from '../../survey/records/joinRecords.ts';

/** How a server is asked to stop: `POST` to this path, with this bearer token. */
export interface ShutdownWay {
  readonly path: string;
  readonly token?: string;
}

const answerMs = 2_000;

/**
 * The declaration in a record of the lock protocol for the server that holds this port; only records of its own process tree count.
 * @param tree the processes of the server's tree, as they run now
 */
export function declaredShutdown(base: string, port: number, tree: readonly ProcessIdentity[]): ShutdownWay | undefined {
  const found = findLockDirectory(base);
  if (!found || 'refused' in found) {
    return undefined;
  }
  const { directory } = found;
  for (const reading of listInstanceRecords(directory)) {
    if (reading.status !== 'ok') {
      continue;
    }
    const { guard, server, x } = reading.record;
    const http = x?.http;
    const own = tree.some((one) => isMark(reading.record, guard, one) || isMark(reading.record, server, one));
    if (own && isHttp(http) && http.shutdown !== undefined && portOf(http.url) === port) {
      const secret = readControlSecret(directory, reading.id);
      return { path: http.shutdown, ...('refused' in secret ? {} : { token: secret.secret.toString('hex') }) };
    }
  }
  return undefined;
}

function isHttp(value: unknown): value is { readonly url: string; readonly shutdown?: string } {
  return (
    isRecord(value) &&
    typeof value.url === 'string' &&
    (value.shutdown === undefined || (typeof value.shutdown === 'string' && value.shutdown.startsWith('/')))
  );
}

function portOf(url: string): number | undefined {
  return URL.canParse(url) ? Number(new URL(url).port) : undefined;
}

/** Sends the request to a loopback address. Never throws. @returns whether it was accepted; a server that exits before it answers has accepted too */
export async function postShutdown(address: string, port: number, way: ShutdownWay): Promise<boolean> {
  const { request } = await import('node:http');
  return new Promise((resolve) => {
    const host = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
    const headers = { host, connection: 'close', ...(way.token === undefined ? {} : { authorization: `Bearer ${way.token}` }) };
    const signal = AbortSignal.timeout(answerMs);
    try {
      const asked = request({ host: address, port, path: way.path, method: 'POST', headers, agent: false, signal }, (response) => {
        response.resume();
        resolve((response.statusCode ?? 500) < 300);
      });
      asked.on('error', (error) => resolve('code' in error && error.code === 'ECONNRESET'));
      asked.end();
    } catch {
      // A path or token that no request can hold: a record or a file has it.
      resolve(false);
    }
  });
}
