import { copiesByDesign } from '../clients/clientTable.ts';
import type { CopyEvidence } from '../diagnosis/duplicates.ts';
import { judgeUnanswered } from '../diagnosis/unresponsive.ts';
import type { InstanceRecord } from '../lock/instanceRecord.ts';
import type { Problem } from '../model/problem.ts';
import { identityKey, type ProcessIdentity } from '../model/process.ts';
import type { Instance, RunningPackage } from '../model/snapshot.ts';
import { looksLikeMcp } from '../package/looksLikeMcp.ts';
import type { ProcessTree } from '../process/tree/processTree.ts';
import type { Redactor } from '../redaction/redactor.ts';
import type { Attributed } from './match/attributeServers.ts';
import { runsGuarded } from './match/guardedEntries.ts';
import type { Health } from './ports/health.ts';
import type { JoinedPorts, ServerPort } from './ports/joinPorts.ts';
import { unansweredMark } from './records/guardMarks.ts';
import { recordSummary } from './records/joinRecords.ts';
import type { LockFolderState } from './records/lockFolder.ts';
import { entryFindings } from './server/entryChange.ts';
import { evidenceOf } from './server/instanceEvidence.ts';
import { clientOf, commandText, launchersOf, restartActions, serverName, serverTree } from './server/instanceParts.ts';
import { judgeServer } from './server/judgeServer.ts';
import { recordedVersions } from './server/recordedVersions.ts';
import type { SurveyState } from './surveyState.ts';

/** One running server, joined: the instance as it will be shown, and what the verdict on copies needs. */
export interface ServerObservation {
  readonly identity: ProcessIdentity;
  readonly instance: Instance;
  readonly copy: CopyEvidence;
  readonly askAgainIn?: number;
}

/**
 * Joins one server with its client, its packages, its facts and the verdicts on them.
 * @param now epoch ms @param records what it, or its guard, has published, the guard's first
 */
export function buildInstance(
  attributed: Attributed,
  processes: ProcessTree,
  redactor: Redactor,
  memory: SurveyState,
  now: number,
  records: readonly InstanceRecord[],
  port?: ServerPort,
): ServerObservation {
  const { server, detail } = attributed;
  const key = identityKey(server.identity);
  const seen = (memory.observations.get(key) ?? 0) + 1;
  memory.observations.set(key, seen);

  // Whoever started a server that others reach by its port is no client of it: a shell, a service manager.
  const client = port && !attributed.client ? null : clientOf(attributed);
  const clientRow = attributed.client?.row ?? attributed.parent;
  const sighting = memory.facts.sighting(
    server.identity,
    now,
    client && clientRow ? { id: client.id, name: client.name, identity: clientRow.identity } : undefined,
  );
  const sight = memory.closures.current(server, detail, now, memory.facts.baseline(server.identity)?.ref);
  const name = serverName(attributed, 'unknown' in sight ? undefined : sight.ref.name);
  const definition = attributed.definitions[0];
  const asked = records[0]?.control?.caps.includes('restart') === true;
  const cure = restartActions({ client, asked, listens: port !== undefined }, name, definition);
  const startedBy = client?.name ?? sighting.client?.name;
  const versions = judgeServer(server, detail, sight, startedBy, cure, memory, now, recordedVersions(records));
  const baseline = memory.facts.baseline(server.identity);
  const update = memory.updates.current(attributed, sight, redactor, now);
  const container = memory.containers.sight(server, cure, now);
  // Of a container's client, what stands in the way of its package says nothing.
  const unknown = container ? container.unknown : versions.verdict.unknown;
  const tree = serverTree(attributed, processes);
  const owner = memory.owners.judge(key, server, detail, { client, sighting, name, memoryBytes: tree.memoryBytes }, now);
  const answers = port && memory.http.judge(port.claim, port.own, redactor.text(name), cure, now);
  const waiting = unansweredMark(records, now);
  const transport =
    port === undefined && (definition?.transport === 'stdio' || detail.stdin === 'connected' || detail.stdin === 'none')
      ? 'stdio'
      : 'unknown';

  const instance: Instance = {
    id: key,
    pid: server.pid,
    startedAt: new Date(server.startedAt).toISOString(),
    name: redactor.text(name),
    definitions: attributed.definitions.map((item) => item.id),
    client,
    launchers: launchersOf(attributed, redactor),
    command: commandText(server, redactor),
    cwd: detail.cwd ?? null,
    transport: transport === 'unknown' && detail.listens === true ? 'http' : transport,
    ...(runsGuarded(attributed.launchers) ? { guarded: true } : {}),
    background: owner.background || port !== undefined,
    package: offered(withHealthVersion(versions.package, port?.health), update?.latest),
    ...(unknown === undefined ? {} : { unknown }),
    changedDependencies: versions.verdict.changedDependencies,
    ...(records[0] ? { record: recordSummary(records[0], redactor) } : {}),
    memoryBytes: tree.memoryBytes,
    tree: tree.pids,
    ...(port ? portFields(port, redactor) : {}),
    findings: [
      ...versions.verdict.findings,
      ...[owner, answers].flatMap((one) => one?.finding ?? []),
      ...(waiting
        ? [judgeUnanswered({ ...waiting, oldest: redactor.text(waiting.oldest), now, pid: server.pid, name: redactor.text(name), cure })]
        : []),
      ...entryFindings(attributed, cure, memory, now),
      ...memory.respawns.findings(attributed, sight, { running: versions.package, update, cure }, now),
      ...(container?.finding ? [container.finding] : []),
      ...(update?.finding ? [update.finding] : []),
    ],
    evidence: evidenceOf({
      attributed,
      sight,
      firstSeenAt: sighting.firstSeenAt,
      facts: memory.facts,
      ...(baseline ? { baseline: { value: baseline, record: memory.facts.baselineFile(server.identity) } } : {}),
      redactor,
    }),
  };
  const design = client ? copiesByDesign(client.id) : undefined;
  const copy: CopyEvidence = {
    id: key,
    pid: server.pid,
    startedAt: server.startedAt,
    name,
    client: client ?? undefined,
    ...(design === undefined ? {} : { copiesByDesign: design }),
    sameness: JSON.stringify([definition?.id ?? null, server.commandLine, detail.cwd ?? null]),
    observations: sighting.firstSeenAt < now ? Math.max(seen, 2) : seen,
    firstSeenAt: sighting.firstSeenAt,
    memoryBytes: tree.memoryBytes,
    cure,
  };
  const waits = [versions.verdict.askAgainIn, owner.askAgainIn, answers?.askAgainIn, container?.askAgainIn].filter(
    (wait) => wait !== undefined,
  );
  return { identity: server.identity, instance, copy, ...(waits.length === 0 ? {} : { askAgainIn: Math.min(...waits) }) };
}

/** What the server says of its version fills a gap, where nothing better is known; it never stands against what was found out. */
function withHealthVersion(found: RunningPackage | null, health: Health | undefined): RunningPackage | null {
  const said = health?.version;
  return found && found.running === null && said !== undefined && /^v?\d+(\.\d+)+/.test(said)
    ? { ...found, running: said.replace(/^v/, '') }
    : found;
}

function offered(found: RunningPackage | null, latest: string | undefined): RunningPackage | null {
  return found && latest !== undefined ? { ...found, latest } : found;
}

function portFields({ claim, health, usedBy }: ServerPort, redactor: Redactor): Pick<Instance, 'listens' | 'usedBy'> {
  const said = health && {
    status: redactor.text(health.status),
    ...(health.version === undefined ? {} : { version: redactor.text(health.version) }),
    ...(health.started === undefined ? {} : { started: redactor.text(health.started) }),
    ...(health.uptimeSeconds === undefined ? {} : { uptimeSeconds: health.uptimeSeconds }),
  };
  return { listens: { port: claim.port, ...(said ? { health: said } : {}) }, usedBy };
}

/** What one look knows beside the servers themselves. */
export interface ScanContext {
  readonly processes: ProcessTree;
  readonly redactor: Redactor;
  readonly memory: SurveyState;
  readonly locks: Pick<LockFolderState, 'recordsOf'>;
  readonly ports: JoinedPorts['ports'];
  /** Epoch ms. */
  readonly now: number;
}

/** Observes each candidate that is a server. One that cannot be judged never hides the others. */
export function buildInstances(
  candidates: readonly Attributed[],
  { processes, redactor, memory, locks, ports, now }: ScanContext,
): { readonly observed: readonly ServerObservation[]; readonly problems: readonly Problem[] } {
  const observed: ServerObservation[] = [];
  const problems: Problem[] = [];
  for (const one of candidates) {
    try {
      if (isServer(one, memory, now)) {
        const port = ports.get(identityKey(one.server.identity));
        observed.push(buildInstance(one, processes, redactor, memory, now, locks.recordsOf(one), port));
      }
    } catch (error) {
      problems.push({ source: 'facts', message: `PID ${one.server.pid} could not be judged: ${redactor.text(String(error))}` });
    }
  }
  return { observed, problems };
}

/** Whether a candidate is shown at all: an entry names it, it was started through our guard, or its package, or what that requires, says that it speaks MCP. */
function isServer(attributed: Attributed, memory: SurveyState, now: number): boolean {
  if (attributed.definitions.length > 0 || runsGuarded(attributed.launchers)) {
    return true;
  }
  const { server, detail } = attributed;
  const sight = memory.closures.current(server, detail, now, memory.facts.baseline(server.identity)?.ref);
  if ('unknown' in sight || sight.reading.status !== 'ok') {
    // Nothing to ask; the name alone brought it here.
    return true;
  }
  return looksLikeMcp(sight.ref, sight.reading.packages);
}
