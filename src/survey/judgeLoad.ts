import { clientName, copyRule } from '../clients/clientTable.ts';
import { judgeStorm, type StormEvidence } from '../diagnosis/respawnStorm.ts';
import { judgeRunaway } from '../diagnosis/runaway.ts';
import type { ClientId } from '../model/definition.ts';
import type { Finding } from '../model/finding.ts';
import { identityKey, type ProcessIdentity, type ProcessRow } from '../model/process.ts';
import type { Instance } from '../model/snapshot.ts';
import type { ProcessTree } from '../process/tree/processTree.ts';
import type { ServerObservation } from './buildInstances.ts';
import type { EntryLives, StartedEntry, StartedServer } from './facts/serverLives.ts';
import type { LoadLimits } from './surveyor.ts';
import type { SurveyState } from './surveyState.ts';

interface LoadFindings {
  /** By instance id. */
  readonly instances: ReadonlyMap<string, readonly Finding[]>;
  /** By definition id, where none of its servers runs. */
  readonly definitions: ReadonlyMap<string, readonly Finding[]>;
}

/** Finds servers that are started again and again, and those that use a core or ever more memory. */
export function judgeLoad(
  observed: readonly ServerObservation[],
  processes: ProcessTree,
  state: SurveyState,
  clock: { readonly uptime: number; readonly now: number },
  limits: LoadLimits,
): LoadFindings {
  const rows = new Map(processes.rows.map((row) => [row.pid, row]));
  const instances = new Map<string, readonly Finding[]>();
  const add = (map: Map<string, readonly Finding[]>, id: string, finding: Finding): void => {
    map.set(id, [...(map.get(id) ?? []), finding]);
  };
  for (const { identity, instance, copy, uncalledSince } of observed) {
    const tree = instance.tree.flatMap((pid) => rows.get(pid) ?? []);
    const finding = judgeRunaway(
      {
        pid: instance.pid,
        name: instance.name,
        now: clock.now,
        ...state.busyTimes.observe(identity, tree, clock.now),
        ...(uncalledSince === undefined ? {} : { uncalledSince }),
        actions: copy.actions,
      },
      limits,
    );
    if (finding) {
      add(instances, instance.id, finding);
    }
  }
  const definitions = new Map<string, readonly Finding[]>();
  for (const { lives, newest, entry } of storms(observed, rows, state, clock.now)) {
    const guarded = newest?.instance.guarded ? { guard: guardWords(newest.instance, clock) } : {};
    const evidence = { name: entry.name, client: entry.client, lives, manySessions: hasManySessions(entry.client.id), ...guarded };
    const finding = judgeStorm({ ...evidence, actions: newest?.copy.actions ?? [] }, limits.starts, clock);
    if (finding) {
      add(newest ? instances : definitions, newest?.instance.id ?? entry.definition, finding);
    }
  }
  return { instances, definitions };
}

/** The starts of each entry of a file under each client process, with its newest server. Servers without an entry may belong to a subagent. */
function storms(
  observed: readonly ServerObservation[],
  rows: ReadonlyMap<number, ProcessRow>,
  state: SurveyState,
  now: number,
): (Pick<EntryLives, 'lives'> & { readonly newest: ServerObservation | undefined; readonly entry: StartedEntry })[] {
  const servers: StartedServer[] = [];
  const newest = new Map<string, ServerObservation>();
  for (const one of observed) {
    const { instance, copy } = one;
    const [definition] = instance.definitions;
    const client = instance.client && rows.get(instance.client.pid);
    if (!instance.client || !client || identityKey(client.identity) !== instance.client.identity || definition === undefined) {
      continue;
    }
    const rule = copyRule(instance.client.id);
    const entry = JSON.stringify([definition, rule === 'directory' || rule === 'project' ? instance.cwd : null]);
    servers.push({ id: instance.id, client: { ...client.identity, key: instance.client.identity }, entry, startedAt: copy.startedAt });
    const key = `${instance.client.identity}\n${state.lives.entryHash(entry)}`;
    const before = newest.get(key);
    if (!before || before.copy.startedAt < copy.startedAt) {
      newest.set(key, one);
    }
    state.startedEntries.set(key, {
      name: instance.name,
      definition,
      client: { ...instance.client, name: copy.client?.name ?? clientName(instance.client.id) },
    });
  }
  const isAlive = (client: ProcessIdentity): boolean => {
    const row = rows.get(client.pid);
    return row !== undefined && identityKey(row.identity) === identityKey(client);
  };
  const groups = state.lives.observe(servers, isAlive, now);
  const known = new Set(groups.map(({ client, entry }) => `${client}\n${entry}`));
  for (const key of state.startedEntries.keys()) {
    if (!known.has(key)) {
      state.startedEntries.delete(key);
    }
  }
  return groups.flatMap((group) => {
    const key = `${group.client}\n${group.entry}`;
    const entry = state.startedEntries.get(key);
    return entry ? [{ ...group, newest: newest.get(key), entry }] : [];
  });
}

function guardWords(
  { record }: Instance,
  { uptime, now }: { readonly uptime: number; readonly now: number },
): NonNullable<StormEvidence['guard']> {
  const { problem, ends } = record ?? {};
  return {
    ...(problem === undefined ? {} : { problem }),
    ...(ends ? { ends: ends.last.map((end) => ({ ...end, at: uptime - (now - Date.parse(end.at)) })), errors: ends.errors } : {}),
  };
}

function hasManySessions(client: ClientId): boolean {
  const rule = copyRule(client);
  return rule === 'conversation' || rule === 'window';
}
