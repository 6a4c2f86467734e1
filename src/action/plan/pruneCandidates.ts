import { copiesByDesign } from '../../clients/clientTable.ts';
import { moment } from '../../diagnosis/wording.ts';
import { type Finding, isHeadline } from '../../model/finding.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { makePlan } from './makePlan.ts';
import { type ClientStops, isCopyOf, isIdleCopy, type Plan, type PlanContext } from './plan.ts';
import { isOrphan } from './restartRoute.ts';

/** Why a server is on the list of what could be stopped. */
type PruneClass =
  /** Its client is gone and its input has no other end: proven. */
  | 'orphan'
  /** The same, but one of the two could not be proven. */
  | 'likely-orphan'
  /** One client process runs a newer copy of the same entry. */
  | 'duplicate'
  /** One client process runs it several times, and this copy did nothing for an hour; the newest ones are left out. */
  | 'idle-copy'
  /** Its client runs, and it uses a resource that another server has locked. */
  | 'lock-conflict'
  /** Its client runs, and it does not respond: seen by its guard, or over HTTP. */
  | 'wedged'
  /** Its client runs and, by its guard's record, has sent it no call for an hour or more. */
  | 'idle'
  /** The same entry runs under several running clients. */
  | 'copy'
  /** It runs on its own by design. */
  | 'background';

/** Headings of the classes, in the order in which they are shown. */
export const pruneHeadings: Readonly<Record<PruneClass, string>> = {
  orphan: 'orphans (proven)',
  'likely-orphan': 'possible orphans (not proven)',
  duplicate: 'older duplicates',
  'idle-copy': 'idle copies of a client that runs',
  'lock-conflict': 'fighting over one resource, still in use',
  wedged: 'not responding, still connected',
  idle: 'idle, still connected',
  copy: 'other copies, still in use',
  background: 'running on their own, by design',
};

export interface PruneCandidate {
  readonly class: PruneClass;
  readonly instance: Instance;
  readonly plan: Plan;
  /** Only proven orphans. */
  readonly preselected: boolean;
  /** Its client started it again when a copy was stopped, and would do so again: `prune --copies` leaves it out. */
  readonly startedAgain?: ClientStops;
  /** The kind of server, its owner and the rule, in one sentence. */
  readonly why: string;
}

const order = Object.keys(pruneHeadings);

/** A guarded server without a call for this long is listed as idle. */
const idleServerMs = 3_600_000;

/** Everything that could be stopped, proven orphans first; pure. The servers that run this program are left out. */
export function pruneCandidates(snapshot: Snapshot, context: PlanContext): PruneCandidate[] {
  return snapshot.instances
    .flatMap((instance) => {
      const kind = classOf(instance, snapshot);
      const plan = kind && makePlan('end', instance, snapshot, context);
      const again = context.startedAgain?.get(instance.id);
      return kind && plan && plan.refused === undefined
        ? [
            {
              class: kind,
              instance,
              plan: kind === 'idle' ? { ...plan, risks: [...plan.risks, 'Its client may use it at any moment.'] } : plan,
              preselected: kind === 'orphan',
              ...(again ? { startedAgain: again } : {}),
              why: whyText(kind, instance, snapshot, again),
            },
          ]
        : [];
    })
    .sort((a, b) => order.indexOf(a.class) - order.indexOf(b.class) || a.instance.pid - b.instance.pid);
}

/** Whether `prune --copies` picks it. */
export function isPickedCopy({ class: kind, startedAgain }: PruneCandidate): boolean {
  return kind === 'idle-copy' && startedAgain === undefined;
}

function classOf(instance: Instance, snapshot: Snapshot): PruneClass | undefined {
  const orphan = instance.findings.find((finding) => finding.kind === 'orphan');
  if (orphan) {
    return isOrphan(orphan) && orphan.confidence === 'proven' ? 'orphan' : 'likely-orphan';
  }
  if (instance.findings.some((finding) => finding.kind === 'duplicate' && isHeadline(finding))) {
    return 'duplicate';
  }
  if (isIdleCopy(instance)) {
    return 'idle-copy';
  }
  if (!instance.client) {
    // Without a client and not on its own by design: its client exited a moment ago, or it cannot be told yet.
    return instance.background ? 'background' : 'likely-orphan';
  }
  if (conflictOf(instance)) {
    return 'lock-conflict';
  }
  if (instance.findings.some(isUnresponsive)) {
    return 'wedged';
  }
  if (idleSince(instance, snapshot) !== undefined) {
    return 'idle';
  }
  return copiesInUse(instance, snapshot).length > 0 ? 'copy' : undefined;
}

/** The message of a conflict over one lock. */
function conflictOf(instance: Instance): string | undefined {
  return instance.findings.find((finding) => finding.kind === 'lock-conflict' && isHeadline(finding))?.message;
}

function isUnresponsive(finding: Finding): boolean {
  return finding.kind === 'unresponsive' && isHeadline(finding);
}

/** When its guard passed on its last call, epoch ms, if that is long ago. */
function idleSince({ record }: Instance, { at }: Snapshot): number | undefined {
  const since = Date.parse(record?.idleSince ?? '');
  return Date.parse(at) - since >= idleServerMs ? since : undefined;
}

function copiesInUse(instance: Instance, snapshot: Snapshot): Instance[] {
  return snapshot.instances.filter((other) => other.client !== null && isCopyOf(other, instance));
}

function whyText(kind: PruneClass, instance: Instance, snapshot: Snapshot, again: ClientStops | undefined): string {
  const respawn = again && `${instance.client?.name ?? 'its client'} started it again at once when a copy was stopped (${rateText(again)})`;
  return [classText(kind, instance, snapshot), conflictOf(instance), respawn].filter((text) => text !== undefined).join('; ');
}

function classText(kind: PruneClass, instance: Instance, snapshot: Snapshot): string {
  const { client } = instance;
  const owner = client ? `${client.name} (PID ${client.pid})` : 'its client';
  const user = `${owner}${copiesText(instance, snapshot)}`;
  switch (kind) {
    case 'orphan':
      return 'its client is gone and nothing is connected to it';
    case 'likely-orphan':
      return 'its client seems to be gone; it is not proven that nothing uses it';
    case 'duplicate':
      return `${owner} runs a newer copy of it`;
    case 'idle-copy':
      return instance.findings.find((finding) => finding.kind === 'copies')?.message ?? `${owner} runs newer copies of it`;
    case 'lock-conflict':
    case 'copy':
      return `in use by ${user}`;
    case 'wedged':
      return `still connected to ${user}; ${instance.findings.find(isUnresponsive)?.message ?? 'it does not respond'}`;
    case 'idle':
      return `still connected to ${user}; no call since ${moment(idleSince(instance, snapshot) ?? 0, Date.parse(snapshot.at))}`;
    case 'background':
      return instance.transport === 'http'
        ? 'runs on its own by design: it accepts connections'
        : 'runs on its own by design: its input is no pipe of a client';
  }
}

/** How many copies there are, and why, to follow the client's name; empty when it is the only one. */
function copiesText(instance: Instance, snapshot: Snapshot): string {
  const { client } = instance;
  const copies = copiesInUse(instance, snapshot);
  if (copies.length === 0) {
    return '';
  }
  const same = copies.filter((copy) => copy.client?.identity === client?.identity).length;
  const design = client ? copiesByDesign(client.id) : undefined;
  const clients = new Set([client, ...copies.map((copy) => copy.client)].map((one) => one?.identity)).size;
  const count = same > 0 ? `, which runs ${same + 1} copies` : `; ${clients} clients run ${copies.length + 1} copies`;
  return `${count}${design ? ` (${design.replace(/\.$/, '')})` : ''}`;
}

/** The most that stopping these frees, in bytes. Memory that copies of one program share is counted for each, but is freed with the last of them. */
export function freedBytes(candidates: readonly PruneCandidate[]): number {
  return candidates.reduce((sum, { instance }) => sum + instance.memoryBytes, 0);
}

/** The effects on running clients of stopping these: a sentence for each server of which a client keeps no copy. Each needs a second yes. */
export function lastCopies(chosen: readonly PruneCandidate[], snapshot: Snapshot): string[] {
  const gone = new Set(chosen.map(({ instance }) => instance.id));
  const sentences = chosen.flatMap(({ instance }) => {
    const { client } = instance;
    const kept = snapshot.instances.some(
      (other) => !gone.has(other.id) && isCopyOf(other, instance) && other.client?.identity === client?.identity,
    );
    return client && !kept ? [`${client.name} (PID ${client.pid}) will have no ${instance.name} server left.`] : [];
  });
  return [...new Set(sentences)];
}

function rateText({ stops, again }: ClientStops): string {
  return `${again} of ${stops} ${stops === 1 ? 'stop' : 'stops'}`;
}

/** A sentence for each client that started several of the stopped servers again; of a single stop its own outcome says that. */
export function respawnRates(stopped: readonly { readonly candidate: PruneCandidate; readonly again: boolean }[]): string[] {
  const rates = new Map<string, ClientStops & { readonly server: string }>();
  for (const { candidate, again } of stopped) {
    const { client, name } = candidate.instance;
    const key = `${client?.identity}\n${name}`;
    const before = rates.get(key) ?? { stops: 0, again: 0, server: `${name} under ${client?.name} (PID ${client?.pid})` };
    rates.set(key, { ...before, stops: before.stops + 1, again: before.again + Number(again) });
  }
  return [...rates.values()].flatMap(({ server, ...rate }) =>
    rate.again > 0 && rate.stops > 1
      ? [`${server} was started again at once after ${rateText(rate)}. What was started again is not stopped a second time.`]
      : [],
  );
}
