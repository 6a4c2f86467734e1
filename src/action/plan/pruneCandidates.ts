import { copiesByDesign } from '../../clients/clientTable.ts';
import { moment } from '../../diagnosis/wording.ts';
import { isHeadline } from '../../model/finding.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { planFor } from './makePlan.ts';
import type { Plan, PlanContext } from './plan.ts';
import { isOrphan } from './restartRoute.ts';
import { isCopyOf } from './sameServer.ts';

/** Why a server is on the list of what could be ended. */
export type PruneClass =
  /** Its client is gone and its input has no other end: proven. */
  | 'orphan'
  /** The same, and one of the two could not be proven. */
  | 'likely-orphan'
  /** One client process runs a newer copy of the same entry. */
  | 'duplicate'
  /** Its client lives, and it uses what another one holds the lock of. */
  | 'lock-conflict'
  /** Its client lives, and it does not answer: seen by its guard, or over HTTP. */
  | 'wedged'
  /** Its client lives and, by its guard's record, has sent it no call for an hour or more. */
  | 'idle'
  /** The same entry runs under several clients, each alive. */
  | 'copy'
  /** Runs on its own by design. */
  | 'background';

/** The classes in words, in the order in which they are shown. */
export const pruneHeadings: Readonly<Record<PruneClass, string>> = {
  orphan: 'left behind (proven)',
  'likely-orphan': 'perhaps left behind (not proven)',
  duplicate: 'older copies under one client',
  'lock-conflict': 'using what only one may use, under living clients',
  wedged: 'not answering, under living clients',
  idle: 'idle, under living clients',
  copy: 'copies under living clients',
  background: 'running on their own, by design',
};

export interface PruneCandidate {
  readonly class: PruneClass;
  readonly instance: Instance;
  readonly plan: Plan;
  /** Only proven orphans. */
  readonly preselected: boolean;
  /** What it is, whose, and by which rule, in one sentence. */
  readonly why: string;
}

const order = Object.keys(pruneHeadings);

/** A guarded server without a call for this long is listed as idle. */
const idleServerMs = 3_600_000;

/** Everything that could be ended, proven orphans first. What runs this program is left out. Pure. */
export function pruneCandidates(snapshot: Snapshot, around: PlanContext): PruneCandidate[] {
  return snapshot.instances
    .flatMap((instance) => {
      const kind = classOf(instance, snapshot);
      const plan = kind && planFor('end', instance, snapshot, around);
      return kind && plan && plan.refused === undefined
        ? [
            {
              class: kind,
              instance,
              plan: kind === 'idle' ? { ...plan, risks: [...plan.risks, 'Its client may use it at any moment.'] } : plan,
              preselected: kind === 'orphan',
              why: [whyText(kind, instance, snapshot), ...(kind === 'lock-conflict' ? [] : [conflictOf(instance)])]
                .filter(Boolean)
                .join('; '),
            },
          ]
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
    // Without a client and not on its own by design: cut off a moment ago, or nobody can tell yet.
    return instance.background ? 'background' : 'likely-orphan';
  }
  if (conflictOf(instance)) {
    return 'lock-conflict';
  }
  if (isUnresponsive(instance)) {
    return 'wedged';
  }
  if (idleSince(instance, snapshot) !== undefined) {
    return 'idle';
  }
  return livingCopies(instance, snapshot).length > 0 ? 'copy' : undefined;
}

/** Two that hold what one lock names, in words. */
function conflictOf(instance: Instance): string | undefined {
  return instance.findings.find((finding) => finding.kind === 'lock-conflict' && isHeadline(finding))?.message;
}

/** By its guard, or over HTTP: there its calls are seen. */
function isUnresponsive(instance: Instance): boolean {
  return instance.findings.some((finding) => finding.kind === 'unresponsive' && isHeadline(finding));
}

/** When its guard passed on its last call, epoch ms, if that is long ago. */
function idleSince({ record }: Instance, { at }: Snapshot): number | undefined {
  const since = Date.parse(record?.idleSince ?? '');
  return Date.parse(at) - since >= idleServerMs ? since : undefined;
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
    case 'lock-conflict':
      return [`${owner} lives, and ${conflictOf(instance)}`, copiesText(instance, snapshot)].filter(Boolean).join('; ');
    case 'wedged': {
      const told = instance.findings.find((finding) => finding.kind === 'unresponsive' && isHeadline(finding))?.message;
      return [`${owner} lives, and it does not answer`, ...(told ? [told] : []), copiesText(instance, snapshot)].filter(Boolean).join('; ');
    }
    case 'idle':
      return [
        `${owner} lives and has sent it no call since ${moment(idleSince(instance, snapshot) ?? 0, Date.parse(snapshot.at))}`,
        copiesText(instance, snapshot),
      ]
        .filter(Boolean)
        .join('; ');
    case 'copy':
      return `${owner} lives and uses it: ${copiesText(instance, snapshot)}`;
    case 'background':
      return instance.transport === 'http'
        ? 'runs on its own by design: it accepts connections'
        : 'runs on its own by design: its input is no pipe of a client';
  }
}

/** How many copies there are and by which rule; empty when it is the only one. */
function copiesText(instance: Instance, snapshot: Snapshot): string {
  const { client } = instance;
  const copies = livingCopies(instance, snapshot);
  if (copies.length === 0) {
    return '';
  }
  const same = copies.filter((copy) => copy.client?.identity === client?.identity).length;
  const design = client ? copiesByDesign(client.id) : undefined;
  const where =
    same > 0
      ? `${same + 1} under the same client`
      : `${copies.length + 1} copies, ${new Set([client, ...copies.map((copy) => copy.client)].map((one) => one?.identity)).size} living clients`;
  return `${where}${design ? `; by design: ${design}` : '; each client runs its own'}`;
}

/** What ending these frees at most, bytes: what copies of one program share (its code) is counted for each, and goes with the last of them. */
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
