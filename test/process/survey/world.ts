import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { silentLog } from '../../../src/base/log.ts';
import { isHeadline } from '../../../src/model/finding.ts';
import type { Instance, Snapshot } from '../../../src/model/snapshot.ts';
import { createSurveyor } from '../../../src/survey/machineSurveyor.ts';
import type { SurveyOptions, Surveyor } from '../../../src/survey/surveyor.ts';
import type { RegistryMode } from '../../../src/survey/updates/registryClient.ts';
import { type RunningServer, startServer } from '../package/observe.ts';

/** A home and a run folder of their own, and observers that know nothing else of this machine but its processes. */
export interface World {
  readonly root: string;
  readonly home: string;
  readonly runDir: string;
  /** Writes a file below the home. */
  write(path: string, content: unknown): string;
  /** A new observer; with the same run folder it knows what earlier ones recorded. */
  observer(options?: Partial<Omit<SurveyOptions, 'registry'>> & { readonly registry?: RegistryMode }): Promise<Surveyor>;
  /** Starts a server and waits for its answer to `initialize`; it ends with this world, if not before. */
  start: typeof startServer;
  /** Ends all that was made here. */
  remove(): Promise<void>;
}

/** An observer that knows nothing but the processes of this machine and what is below this home and this run folder. */
export function makeSurveyor(home: string, runDir: string, more: Partial<SurveyOptions> = {}): Promise<Surveyor> {
  return createSurveyor({
    home,
    platform: process.platform,
    env: { HOME: home },
    runDir,
    folders: [],
    vscodeUserDirs: [],
    log: silentLog,
    ...more,
  });
}

export function makeWorld(): World {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'world-')));
  const home = join(root, 'home');
  const runDir = join(root, 'run');
  mkdirSync(home);
  const open: Surveyor[] = [];
  const servers: RunningServer[] = [];
  return {
    root,
    home,
    runDir,
    write(path, content) {
      const file = join(home, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content, undefined, 2));
      return file;
    },
    async observer({ registry, ...options } = {}) {
      const surveyor = await makeSurveyor(home, runDir, { ...options, ...(registry ? { registry: () => registry } : {}) });
      open.push(surveyor);
      return surveyor;
    },
    async start(...how) {
      const server = await startServer(...how);
      servers.push(server);
      return server;
    },
    async remove() {
      for (const surveyor of open) {
        surveyor.dispose();
      }
      await Promise.all(servers.map((server) => server.stop()));
      rmSync(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Surveys until nothing is pending within `limit` ms, as the command line does, and returns the last snapshot. */
export async function settled(surveyor: Surveyor, limit = 15_000): Promise<Snapshot> {
  const end = Date.now() + limit;
  for (;;) {
    surveyor.allChanged();
    const snapshot = await surveyor.survey();
    const wait = surveyor.askAgainIn();
    if (wait === undefined || Date.now() + wait > end) {
      return snapshot;
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

/** The instance of a process. @throws when it was not found, with what was */
export function instanceOf(snapshot: Snapshot, pid: number): Instance {
  const instance = snapshot.instances.find((one) => one.tree.includes(pid));
  if (!instance) {
    const seen = snapshot.instances.map((one) => `${one.pid} ${one.name} ${one.command}`).join('\n');
    throw new Error(`PID ${pid} is no instance. Seen:\n${seen}\nProblems: ${JSON.stringify(snapshot.problems)}`);
  }
  return instance;
}

/** "stale/package/proven" … of the findings that count for the badge and `--check`. */
export function headlines(instance: Instance): string[] {
  return instance.findings.filter(isHeadline).map((one) => [one.kind, one.subKind, one.confidence].filter(Boolean).join('/'));
}
