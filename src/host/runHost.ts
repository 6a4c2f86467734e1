import { timingSafeEqual } from 'node:crypto';
import { createServer, Socket } from 'node:net';
import { reasonOf } from '../base/errors.ts';
import type { HostParts } from '../guard/hostParts.ts';
import type { Greeting } from '../relay/contract.ts';
import { hostSecret, hostSocket, ownNamespaces } from '../relay/hostFolder.ts';
import { type HostFiles, takeHostFiles } from './hostFiles.ts';
import { HostWatchdog } from './hostWatchdog.ts';
import { RelayConnection } from './relayConnection.ts';
import { SharedServers } from './share/sharedServers.ts';
import { askForSessions, Succession } from './succession.ts';

/** A host without a session ends after this time, ms. */
const idleMs = 10_000;
/** Time between two looks for another version of the product, ms; each new session is one, too. */
const checkMs = 60_000;
/** Relays that may wait to be taken; the kernel refuses further ones, which become guards. Linux allows 4,096; the default of Node.js is 511. */
const waitingRelays = 4_096;
/** What relays have not read after this time is left to the next host, ms. */
const leaveMs = 500;
/** The next host gets the sessions within the first time: the host that runs may be ending a server whose relay is gone. It gets the lock within the second. ms. */
const [askMs, lockMs, pauseMs] = [10_000, 2_000, 20];

/**
 * Runs the host: the sessions of all relays of this user, or with `own` those of the one relay that started it.
 * @param words the run folder, and `own`; or `heir`: takes the sessions of the host that runs @returns the exit code
 */
export async function runHost(words: readonly string[], parts: HostParts): Promise<number> {
  const [runDir = '', mode] = words;
  process.on('unhandledRejection', (error) => void process.stderr.write(parts.logLine(`internal error: ${reasonOf(error)}`)));
  // It ends when nothing needs it, and its sessions end with their relays.
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGUSR2'] as const) {
    process.on(signal, () => undefined);
  }
  if (mode === 'own') {
    await new RelayConnection(new Socket({ fd: 3 }), parts, { refusal: () => undefined, heir: () => false, watchdog: new HostWatchdog() })
      .served;
    return 0;
  }
  const files = mode === 'heir' ? await inheritFiles(runDir) : await takeHostFiles(runDir);
  return files ? serveAll(runDir, parts, files) : 0;
}

/** The files of the host that gives its sessions to this one. */
async function inheritFiles(runDir: string): Promise<HostFiles | undefined> {
  const asksUntil = performance.now() + askMs;
  for (let secret = hostSecret(runDir); secret === undefined || !(await askForSessions(hostSocket(runDir), secret)); ) {
    if (performance.now() > asksUntil) {
      return undefined;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    secret = hostSecret(runDir);
  }
  const until = performance.now() + lockMs;
  let files = await takeHostFiles(runDir);
  while (!files && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    files = await takeHostFiles(runDir);
  }
  return files;
}

async function serveAll(runDir: string, parts: HostParts, files: HostFiles): Promise<number> {
  const connections = new Set<RelayConnection>();
  const servers = new SharedServers(parts);
  const watchdog = new HostWatchdog();
  const succession = new Succession(runDir, process.argv[1] ?? '');
  let idle: NodeJS.Timeout | undefined;
  const server = createServer();
  let end: () => void = () => undefined;
  const over = new Promise<void>((resolve) => {
    end = resolve;
  });
  const rest = (): void => {
    idle = setTimeout(() => {
      files.release(false);
      server.close(end);
    }, idleMs);
  };
  const heir = (secret: string): boolean => {
    if (!isSame(secret, files.secret) || servers.isBusy || [...connections].some(({ isEnding }) => isEnding)) {
      return false;
    }
    server.close();
    const left = Promise.all([...connections].map((connection) => connection.leave()));
    files.release(true);
    void Promise.race([left, new Promise((resolve) => setTimeout(resolve, leaveMs))]).then(end);
    return true;
  };
  server.on('connection', (socket) => {
    clearTimeout(idle);
    const connection = new RelayConnection(socket, parts, {
      refusal: (greeting) => refusal(greeting, files.secret),
      ...{ heir, servers, watchdog },
    });
    connections.add(connection);
    void connection.served.then(() => {
      connections.delete(connection);
      if (connections.size === 0) {
        rest();
      }
    });
    succession.check();
  });
  setInterval(() => succession.check(), checkMs).unref();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path: files.socket, backlog: waitingRelays }, resolve);
  });
  files.opened();
  rest();
  await over;
  await servers.end();
  return 0;
}

/** Why a relay is not served. What a session reads of files and processes has to be what its client would see. */
function refusal({ secret, ns }: Greeting, known: string): string | undefined {
  if (!isSame(secret, known)) {
    return 'it does not know the secret of this host';
  }
  return ns === ownNamespaces() ? undefined : 'it runs in another namespace';
}

function isSame(text: string, known: string): boolean {
  const [given, expected] = [Buffer.from(text), Buffer.from(known)];
  return given.length === expected.length && timingSafeEqual(given, expected);
}
