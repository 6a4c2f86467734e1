import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { RunDocker } from '../../../src/process/dockerImages.ts';
import type { Clock } from '../../../src/survey/bootClock.ts';
import type { RegistryMode } from '../../../src/survey/registryDesk.ts';
import { createSurveyor, type Surveyor } from '../../../src/survey/surveyor.ts';
import { isHeadline } from '../../../src/types/finding.ts';
import { silentLog } from '../../../src/types/log.ts';
import type { Instance, Snapshot } from '../../../src/types/snapshot.ts';

/** A home and a run folder of their own, and observers that know nothing else of this machine but its processes. */
export interface World {
  readonly root: string;
  readonly home: string;
  readonly runDir: string;
  /** Writes a file below the home. */
  write(path: string, content: unknown): string;
  /** A new observer; with the same run folder it knows what earlier ones recorded. */
  observer(options?: {
    readonly clock?: Clock;
    readonly folders?: readonly string[];
    readonly runDir?: string;
    readonly registry?: RegistryMode;
    readonly registryLimitMs?: number;
    readonly docker?: RunDocker;
  }): Promise<Surveyor>;
  remove(): void;
}

export function makeWorld(): World {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'world-')));
  const home = join(root, 'home');
  const runDir = join(root, 'run');
  mkdirSync(home);
  const open: Surveyor[] = [];
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
    async observer(options = {}) {
      const surveyor = await createSurveyor({
        home,
        platform: process.platform,
        env: { HOME: home },
        runDir: options.runDir ?? runDir,
        folders: options.folders ?? [],
        vscodeUserDirs: [],
        log: silentLog,
        ...(options.clock ? { clock: options.clock } : {}),
        ...(options.docker ? { docker: options.docker } : {}),
        ...(options.registry ? { registry: () => options.registry ?? 'off' } : {}),
        ...(options.registryLimitMs === undefined ? {} : { registryLimitMs: options.registryLimitMs }),
      });
      open.push(surveyor);
      return surveyor;
    },
    remove() {
      for (const surveyor of open) {
        surveyor.dispose();
      }
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

/** "stale/package/proven" … of the findings that make the headline. */
export function headlines(instance: Instance): string[] {
  return instance.findings.filter(isHeadline).map((one) => [one.kind, one.subKind, one.confidence].filter(Boolean).join('/'));
}
