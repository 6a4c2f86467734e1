import { timingSafeEqual } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { createServer, Socket } from 'node:net';
import { reasonOf } from '../base/errors.ts';
import type { HostParts } from '../guard/hostParts.ts';
import type { Greeting } from '../relay/contract.ts';
import { takeHostFiles } from './hostFiles.ts';
import { serveRelay } from './relayConnection.ts';

/** A host without a session ends after this time, ms. */
const idleMs = 10_000;

/**
 * Runs the host: the sessions of all relays of this user, or with `own` those of the one relay that started it.
 * @param words the run folder, and `own` @returns the exit code
 */
export async function runHost(words: readonly string[], parts: HostParts): Promise<number> {
  const [runDir = '', mode] = words;
  process.on('unhandledRejection', (error) => void process.stderr.write(parts.logLine(`internal error: ${reasonOf(error)}`)));
  // It ends when nothing needs it, and its sessions end with their relays.
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGUSR2'] as const) {
    process.on(signal, () => undefined);
  }
  if (mode === 'own') {
    await serveRelay(new Socket({ fd: 3 }), parts, () => undefined);
    return 0;
  }
  return serveAll(runDir, parts);
}

async function serveAll(runDir: string, parts: HostParts): Promise<number> {
  const files = await takeHostFiles(runDir);
  if (!files) {
    return 0;
  }
  let sessions = 0;
  let idle: NodeJS.Timeout | undefined;
  const server = createServer();
  const over = new Promise<void>((resolve) => server.once('close', resolve));
  const rest = (): void => {
    idle = setTimeout(() => {
      files.release();
      server.close();
    }, idleMs);
  };
  server.on('connection', (socket) => {
    clearTimeout(idle);
    sessions += 1;
    void serveRelay(socket, parts, (greeting) => refusal(greeting, files.secret)).then(() => {
      sessions -= 1;
      if (sessions === 0) {
        rest();
      }
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(files.socket, resolve);
  });
  files.opened();
  rest();
  await over;
  return 0;
}

/** Why a relay is not served. What a session reads of files and processes has to be what its client would see. */
function refusal({ secret, ns }: Greeting, known: string): string | undefined {
  const [given, expected] = [Buffer.from(secret), Buffer.from(known)];
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    return 'it does not know the secret of this host';
  }
  return ns === ownNamespaceText() ? undefined : 'it runs in another namespace';
}

function ownNamespaceText(): string {
  try {
    return ['mnt', 'pid', 'user'].map((name) => readlinkSync(`/proc/self/ns/${name}`)).join(' ');
  } catch {
    return '';
  }
}
