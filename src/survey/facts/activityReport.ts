import { type Activity, type ActivityReading, judgeVitality, looksNeeded } from '../../diagnosis/activity.ts';
import { identityKey, type ProcessRow, type ProcessTable } from '../../model/process.ts';
import type { Instance } from '../../model/snapshot.ts';
import { type ProcessActivity, readVitalSigns } from '../../process/processActivity.ts';
import { unreadInput } from '../../process/unreadInput.ts';
import { LastReadTimes } from './lastReadTimes.ts';

const lookEveryMs = 1_000;

/** What a look needs of the system; replaced in tests only. */
export interface LifePorts {
  readonly signs: (tree: readonly number[]) => ProcessActivity | undefined;
  readonly unread: typeof unreadInput;
  readonly wait: (ms: number) => Promise<void>;
  /** Monotonic ms. */
  readonly clock: () => number;
  /** Epoch ms. */
  readonly now: () => number;
}

const systemPorts: LifePorts = {
  signs: readVitalSigns,
  unread: unreadInput,
  wait: (ms) => new Promise((done) => setTimeout(done, ms)),
  clock: () => performance.now(),
  now: () => Date.now(),
};

/**
 * Looks whether servers of living clients are idle, stopped, or do not read what they are sent: from process facts alone, so only on Linux. Takes one
 * moment when all is well, and 10 seconds when something lies unread. @returns by instance id; those of which nothing is to be said are left out
 */
export async function lookForLife(
  instances: readonly Instance[],
  runDir: string,
  table: ProcessTable,
  ports: LifePorts = systemPorts,
): Promise<ReadonlyMap<string, Activity>> {
  const rows = new Map((await table.list()).map((row) => [identityKey(row.identity), row]));
  const quietTimes = new LastReadTimes(runDir, ports.signs);
  const subjects = instances.flatMap((instance) => {
    const row = rows.get(instance.id);
    const served = instance.client !== null && instance.transport !== 'http' && !instance.background;
    return row && served
      ? [{ instance, row, clientStopped: isStopped(rows.get(instance.client?.identity ?? '')), looks: [] as ActivityReading[] }]
      : [];
  });
  let open = subjects;
  for (const began = ports.clock(); open.length > 0; ) {
    await look(open, ports);
    const lasted = ports.clock() - began;
    // With a margin: the looks of one round are not taken at one instant.
    open = open.filter((subject) => subject.looks.length > 0 && looksNeeded(subject) + lookEveryMs > lasted && looksNeeded(subject) > 0);
    if (open.length > 0) {
      await ports.wait(lookEveryMs);
    }
  }
  return new Map(
    subjects.flatMap(({ instance, row, clientStopped, looks }) => {
      const signs = looks.length === 0 ? undefined : ports.signs(ownTree(instance));
      const quiet = signs && quietTimes.since(row.identity, signs);
      const verdict = judgeVitality({ now: ports.now(), pid: instance.pid, looks, clientStopped, ...(quiet ? { quiet } : {}) });
      return verdict ? [[instance.id, verdict] as const] : [];
    }),
  );
}

async function look(
  subjects: readonly { readonly instance: Instance; readonly looks: ActivityReading[] }[],
  ports: LifePorts,
): Promise<void> {
  const signs = new Map(subjects.map(({ instance }) => [instance.pid, ports.signs(ownTree(instance))]));
  const inputs = [...signs].flatMap(([pid, one]) => (one?.input === undefined ? [] : [{ pid, link: one.input }]));
  const unread = await ports.unread(inputs);
  const at = ports.clock();
  for (const { instance, looks } of subjects) {
    const one = signs.get(instance.pid);
    if (!one) {
      // It has ended: nothing that was seen of it counts.
      looks.length = 0;
      continue;
    }
    const { states, cpuMs, inputReadBytes, waitsIn } = one;
    const bytes = unread.get(instance.pid);
    looks.push({
      at,
      states,
      cpuMs,
      ...(inputReadBytes === undefined ? {} : { inputReadBytes }),
      ...(waitsIn === undefined ? {} : { waitsIn }),
      ...(bytes === undefined ? {} : { unread: bytes }),
    });
  }
}

/** Without its launchers: they have its input as well, and wait for its end alone. */
export function ownTree({ tree, launchers }: Instance): number[] {
  return tree.filter((pid) => !launchers.some((launcher) => launcher.pid === pid));
}

function isStopped(row: ProcessRow | undefined): boolean {
  return row?.state === 'T' || row?.state === 't';
}
