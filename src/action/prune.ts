import { copiesByDesign } from '../survey/instances.ts';
import { isHeadline } from '../types/finding.ts';
import type { Instance, Snapshot } from '../types/snapshot.ts';
import { isCopyOf, type Plan, planFor, type Surroundings } from './plan.ts';
import { isOrphan } from './restart.ts';

/** Why a server is on the list of what could be ended. */
export type PruneClass =
  /** Its client is gone and its input has no other end: proven. */
  | 'orphan'
  /** The same, and one of the two could not be proven. */
  | 'likely-orphan'
  /** One client process runs a newer copy of the same entry. */
  | 'duplicate'
  /** The same entry runs under several clients, each alive. */
  | 'copy'
  /** Runs on its own by design. */
  | 'background';

export interface PruneCandidate {
  readonly class: PruneClass;
  readonly instance: Instance;
  readonly plan: Plan;
  /** Only proven orphans. */
  readonly preselected: boolean;
  /** What it is, whose, and by which rule, in one sentence. */
  readonly why: string;
}

const order: readonly PruneClass[] = ['orphan', 'likely-orphan', 'duplicate', 'copy', 'background'];

/** Everything that could be ended, proven orphans first. What runs this program is left out. Pure. */
export function pruneCandidates(snapshot: Snapshot, around: Surroundings): PruneCandidate[] {
  return snapshot.instances
    .flatMap((instance) => {
      const kind = classOf(instance, snapshot);
      const plan = kind && planFor('end', instance, snapshot, around);
      return kind && plan && plan.refused === undefined
        ? [{ class: kind, instance, plan, preselected: kind === 'orphan', why: whyText(kind, instance, snapshot) }]
        : [];
    })
    .sort((a, b) => order.indexOf(a.class) - order.indexOf(b.class) || a.instance.pid - b.instance.pid);
}

function classOf(instance: Instance, snapshot: Snapshot): PruneClass | undefined {
  const orphan = instance.findings.find((finding) => finding.kind === 'orphan');
  if (orphan) {
    return isOrphan(orphan) && orphan.confidence === 'proven' ? 'orphan' : 'likely-orphan';
  }
  if (instance.findings.some((finding) => finding.kind === 'duplicate' && isHeadline(finding))) {
    return 'duplicate';
  }
  if (!instance.client) {
    return 'background';
  }
  return livingCopies(instance, snapshot).length > 0 ? 'copy' : undefined;
}

function livingCopies(instance: Instance, snapshot: Snapshot): Instance[] {
  return snapshot.instances.filter((other) => other.client !== null && isCopyOf(other, instance));
}

function whyText(kind: PruneClass, instance: Instance, snapshot: Snapshot): string {
  const { client } = instance;
  const owner = client ? `${client.name} (PID ${client.pid})` : 'its client';
  switch (kind) {
    case 'orphan':
      return 'its client has ended, and its standard input has no other end';
    case 'likely-orphan':
      return 'its client seems to have ended; whether anybody still uses it is not proven';
    case 'duplicate':
      return `${owner} lives and runs a newer copy of it`;
    case 'copy': {
      const copies = livingCopies(instance, snapshot);
      const same = copies.filter((copy) => copy.client?.identity === client?.identity).length;
      const design = client ? copiesByDesign(client.id) : undefined;
      const where =
        same > 0
          ? `${same + 1} under the same client`
          : `${copies.length + 1} copies, ${new Set([client, ...copies.map((copy) => copy.client)].map((one) => one?.identity)).size} living clients`;
      return `${owner} lives and uses it: ${where}${design ? `; by design: ${design}` : '; each client runs its own'}`;
    }
    case 'background':
      return instance.transport === 'http'
        ? 'runs on its own by design: it accepts connections'
        : 'runs on its own by design: its input is no pipe of a client';
  }
}

/** What ending these frees, bytes. */
export function freedBytes(candidates: readonly PruneCandidate[]): number {
  return candidates.reduce((sum, { instance }) => sum + instance.memoryBytes, 0);
}

/**
 * Whether ending these leaves a living client without any copy of one of its servers: that needs a second yes.
 * @returns the names, one for each such client
 */
export function lastCopies(chosen: readonly PruneCandidate[], snapshot: Snapshot): string[] {
  const gone = new Set(chosen.map(({ instance }) => instance.id));
  return chosen.flatMap(({ instance }) => {
    const { client } = instance;
    const kept = snapshot.instances.some(
      (other) => !gone.has(other.id) && isCopyOf(other, instance) && other.client?.identity === client?.identity,
    );
    return client && !kept ? [`${instance.name} of ${client.name} (PID ${client.pid})`] : [];
  });
}
