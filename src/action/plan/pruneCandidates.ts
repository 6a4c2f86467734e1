import { msg, t } from '../../base/language/translate.ts';
import { copiesByDesign } from '../../clients/clientTable.ts';
import { moment } from '../../diagnosis/wording.ts';
import { type Finding, isHeadline } from '../../model/finding.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { makePlan } from './makePlan.ts';
import { type ClientStops, copiesFinding, isCopyOf, isIdleCopy, type Plan, type PlanContext } from './plan.ts';
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
  orphan: msg('orphans (proven)'),
  'likely-orphan': msg('possible orphans (not proven)'),
  duplicate: msg('older duplicates'),
  'idle-copy': msg('idle copies of a client that runs'),
  'lock-conflict': msg('fighting over one resource, still in use'),
  wedged: msg('not responding, still connected'),
  idle: msg('idle, still connected'),
  copy: msg('other copies, still in use'),
  background: msg('running on their own, by design'),
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
              plan: kind === 'idle' ? { ...plan, risks: [...plan.risks, t('Its client may use it at any moment.')] } : plan,
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
  const respawn =
    again && t('{0} started it again at once when a copy was stopped ({1})', instance.client?.name ?? t('its client'), rateText(again));
  return [classText(kind, instance, snapshot), conflictOf(instance), respawn].filter((text) => text !== undefined).join('; ');
}

function classText(kind: PruneClass, instance: Instance, snapshot: Snapshot): string {
  const { client } = instance;
  const owner = client ? t('{0} (PID {1})', client.name, client.pid) : t('its client');
  const user = usersText(owner, instance, snapshot);
  switch (kind) {
    case 'orphan':
      return t('its client is gone and nothing is connected to it');
    case 'likely-orphan':
      return t('its client seems to be gone; it is not proven that nothing uses it');
    case 'duplicate':
      return t('{0} runs a newer copy of it', owner);
    case 'idle-copy':
      return copiesFinding(instance)?.message ?? t('{0} runs newer copies of it', owner);
    case 'lock-conflict':
    case 'copy':
      return t('in use by {0}', user);
    case 'wedged':
      return t('still connected to {0}; {1}', user, instance.findings.find(isUnresponsive)?.message ?? t('it does not respond'));
    case 'idle':
      return t('still connected to {0}; no call since {1}', user, moment(idleSince(instance, snapshot) ?? 0, Date.parse(snapshot.at)));
    case 'background':
      return instance.transport === 'http'
        ? t('runs on its own by design: it accepts connections')
        : t('runs on its own by design: its input is no pipe of a client');
  }
}

/** The client, how many copies there are, and why. @param owner the client */
function usersText(owner: string, instance: Instance, snapshot: Snapshot): string {
  const { client } = instance;
  const copies = copiesInUse(instance, snapshot);
  if (copies.length === 0) {
    return owner;
  }
  const same = copies.filter((copy) => copy.client?.identity === client?.identity).length;
  const design = client ? copiesByDesign(client.id) : undefined;
  const clients = new Set([client, ...copies.map((copy) => copy.client)].map((one) => one?.identity)).size;
  const count =
    same > 0 ? t('{0}, which runs {1} copies', owner, same + 1) : t('{0}; {1} clients run {2} copies', owner, clients, copies.length + 1);
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
    return client && !kept ? [t('{0} (PID {1}) will have no {2} server left.', client.name, client.pid, instance.name)] : [];
  });
  return [...new Set(sentences)];
}

function rateText({ stops, again }: ClientStops): string {
  return stops === 1 ? t('{0} of 1 stop', again) : t('{0} of {1} stops', again, stops);
}

/** A sentence for each client that started several of the stopped servers again; of a single stop its own outcome says that. */
export function respawnRates(stopped: readonly { readonly candidate: PruneCandidate; readonly again: boolean }[]): string[] {
  const rates = new Map<string, ClientStops & { readonly server: string }>();
  for (const { candidate, again } of stopped) {
    const { client, name } = candidate.instance;
    const key = `${client?.identity}\n${name}`;
    const before = rates.get(key) ?? {
      stops: 0,
      again: 0,
      server: t('{0} under {1} (PID {2})', name, client?.name ?? '', client?.pid ?? ''),
    };
    rates.set(key, { ...before, stops: before.stops + 1, again: before.again + Number(again) });
  }
  return [...rates.values()].flatMap(({ server, ...rate }) =>
    rate.again > 0 && rate.stops > 1
      ? [t('{0} was started again at once after {1}. What was started again is not stopped a second time.', server, rateText(rate))]
      : [],
  );
}
