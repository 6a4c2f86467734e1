import { quotedText } from '../../base/singleLine.ts';
import type { InstanceRecord } from '../../lock/instanceRecord.ts';
import { identityKey, type ProcessIdentity, type ProcessRow } from '../../model/process.ts';
import type { ServerRecord } from '../../model/snapshot.ts';
import { launcherKind } from '../../process/tree/launcherChain.ts';
import type { Redactor } from '../../redaction/redactor.ts';
import { guardMarks } from './guardMarks.ts';
import type { LivingRecord } from './instanceRecords.ts';

/** The processes of one server that a record may name. */
interface ServerProcesses {
  readonly server: ProcessRow;
  readonly launchers: readonly ProcessRow[];
  /** PIDs of everything below. */
  readonly tree: readonly number[];
}

/**
 * Joins records with servers by the identity of processes only: the server itself, else a launcher or guard above it, else a process of its tree. A record
 * belongs to one server at most; a server may have two, its guard's and its own, and one for each client that shares it.
 * @returns by `identityKey` of the server, the record of its own guard first, then those of other guards
 */
export function joinRecords(living: readonly LivingRecord[], servers: readonly ServerProcesses[]): Map<string, LivingRecord[]> {
  const joined = new Map<string, LivingRecord[]>();
  const open = new Set(living.filter(({ liveness }) => liveness.life === 'alive'));
  const join = (fits: (one: LivingRecord, server: ServerProcesses) => boolean): void => {
    for (const one of open) {
      const server = servers.find((item) => fits(one, item));
      if (server) {
        const key = identityKey(server.server.identity);
        joined.set(key, [...(joined.get(key) ?? []), one]);
        open.delete(one);
      }
    }
  };
  join(({ record }, { server }) => isMark(record, record.server, server.identity));
  join(({ record }, { launchers }) =>
    launchers.some(({ identity }) => isMark(record, record.server, identity) || isMark(record, record.guard, identity)),
  );
  join(({ record, liveness }, { tree }) => liveness.server === 'alive' && record.server !== undefined && tree.includes(record.server.pid));
  for (const { server, launchers } of servers) {
    const rank = ({ record: { guard } }: LivingRecord): number =>
      guard === undefined ? 2 : Number(!launchers.some(({ pid }) => pid === guard.pid));
    joined.get(identityKey(server.identity))?.sort((a, b) => rank(a) - rank(b));
  }
  return joined;
}

/** The records of one server. */
export function recordsOf(
  joined: ReadonlyMap<string, readonly LivingRecord[]>,
  { server }: Pick<ServerProcesses, 'server'>,
): InstanceRecord[] {
  return (joined.get(identityKey(server.identity)) ?? []).map(({ record }) => record);
}

/**
 * The record by which the guard above a server says what it started: it names that guard and a child of it that is the server or one of its launchers. Undefined where several records
 * claim that, because any program of the user can write one.
 */
export function recordOfGuard(
  records: readonly InstanceRecord[],
  { server, launchers }: Omit<ServerProcesses, 'tree'>,
): InstanceRecord | undefined {
  const guards = launchers.filter((row) => launcherKind(row) === 'mcp-shepherd guard');
  const [first, ...others] = records.filter((record) => guards.some(({ identity }) => isMark(record, record.guard, identity)));
  const child = first && [server, ...launchers].find(({ identity }) => isMark(first, first.server, identity));
  return others.length === 0 && child !== undefined && child.ppid === first?.guard?.pid ? first : undefined;
}

/** Whether a record names exactly this process as its server or guard. */
export function isMark(
  record: InstanceRecord,
  mark: InstanceRecord['server'] | InstanceRecord['guard'],
  { bootId, pidNamespace, pid, start }: ProcessIdentity,
): boolean {
  return mark?.pid === pid && mark.start === start && record.host.boot === bootId && record.host.pidns === pidNamespace;
}

/** The resource of a lock as it stands in a sentence: a path, a port or a name as it is; any other text in quotation marks, escaped, with at most 64 characters. */
export function shownResource(resource: string, redactor: Redactor): string {
  const text = redactor.text(resource);
  return /^[\p{L}\p{N} /\\._:,@~+=‹›-]{1,500}$/u.test(text) ? text : quotedText(text);
}

/** The part of a record that the snapshot shows. */
export function recordSummary(record: InstanceRecord, redactor: Redactor): ServerRecord {
  return {
    id: record.id,
    serverId: redactor.text(record.serverId),
    state: record.state,
    exclusion: record.exclusion,
    locks: record.locks.map(({ key, kind, resource }) => ({ key, kind, resource: shownResource(resource, redactor) })),
    // A verb is a word; no other text is shown as one.
    control: record.control?.caps.filter((verb) => /^[a-z][a-z-]{0,31}$/.test(verb)) ?? [],
    ...(record.guard === undefined ? {} : { guardPid: record.guard.pid }),
    ...guardMarks(record, redactor),
  };
}
