import { reasonOf } from '../base/errors.ts';
import { t } from '../base/language/translate.ts';
import type { Log } from '../base/log.ts';
import { quotedText } from '../base/singleLine.ts';
import { copiesByDesign } from '../clients/clientTable.ts';
import { idleMs, type LivingCopy, type ServerWork } from '../diagnosis/copies.ts';
import { judgeUnanswered } from '../diagnosis/unresponsive.ts';
import type { InstanceRecord } from '../lock/instanceRecord.ts';
import type { Finding } from '../model/finding.ts';
import type { Problem } from '../model/problem.ts';
import { identityKey, type ProcessIdentity } from '../model/process.ts';
import type { Instance, RunningPackage } from '../model/snapshot.ts';
import { looksLikeMcp } from '../package/looksLikeMcp.ts';
import type { ProcessTree } from '../process/tree/processTree.ts';
import type { Redactor } from '../redaction/redactor.ts';
import type { FactStore } from './facts/factStore.ts';
import type { Attributed } from './match/attributeServers.ts';
import { isReachedThroughGuard } from './match/guardedEntries.ts';
import { isOfHost } from './match/sharedRelays.ts';
import type { Health } from './ports/health.ts';
import type { JoinedPorts, ServerPort } from './ports/joinPorts.ts';
import { callsOf, type GuardCalls, unansweredMark } from './records/guardMarks.ts';
import { recordOfGuard, recordSummary } from './records/joinRecords.ts';
import type { LockFolderState } from './records/lockFolder.ts';
import { heldPath } from './server/commandLeads.ts';
import { entryFindings } from './server/entryChange.ts';
import { evidenceOf } from './server/instanceEvidence.ts';
import {
  clientOf,
  commandText,
  launchersOf,
  placeAmongCopies,
  redactInstance,
  restartActions,
  serverName,
  serverTree,
  sharedFields,
  withHiddenWords,
} from './server/instanceParts.ts';
import { judgeServer, type ServerVerdict } from './server/judgeServer.ts';
import { recordedVersions } from './server/recordedVersions.ts';
import type { ServerContext } from './server/serverContext.ts';
import { isElsewhere } from './server/serverVersions.ts';
import type { SurveyState } from './surveyState.ts';
import { withoutContradiction } from './withoutContradiction.ts';

/** One running server: as the snapshot shows it, and what other verdicts need. */
export interface ServerObservation extends GuardCalls {
  readonly identity: ProcessIdentity;
  readonly instance: Instance;
  readonly copy: LivingCopy;
  /** Two of its verdicts contradicted each other. */
  readonly fault?: Problem;
  /** Milliseconds until the verdicts may change without any event. */
  readonly askAgainIn?: number;
}

/** The facts that one scan has beside the servers themselves. */
interface ScanContext {
  readonly processes: ProcessTree;
  readonly redactor: Redactor;
  readonly state: SurveyState;
  readonly locks: Pick<LockFolderState, 'recordsOf'>;
  readonly ports: JoinedPorts['ports'];
  readonly log: Log;
  /** Epoch ms. */
  readonly now: number;
}

/** Joins one server with its client, its packages, its stored facts, its records and the verdicts on them. */
function buildInstance(attributed: Attributed, scan: ScanContext): ServerObservation {
  const { processes, state, locks, ports, log, now } = scan;
  const { server, detail, launchers, parent } = attributed;
  const redactor = withHiddenWords(scan.redactor, [server, ...launchers, ...(parent ? [parent] : [])]);
  const key = identityKey(server.identity);
  const seen = (state.observations.get(key) ?? 0) + 1;
  state.observations.set(key, seen);

  // The guard's record comes first.
  const records = locks.recordsOf(attributed);
  const port = ports.get(key);
  // The shell or service manager that started a server with a port is not its client.
  const client = port && !attributed.client ? null : clientOf(attributed);
  const clientRow = attributed.client?.row ?? attributed.parent;
  const firstSeen = state.facts.firstSeen(
    server.identity,
    now,
    client && clientRow ? { id: client.id, name: redactor.text(client.name), identity: clientRow.identity } : undefined,
  );
  const loaded = state.loadedPackage(attributed, now);
  const name = serverName(attributed, 'unknown' in loaded ? undefined : loaded.ref.name);
  const shownName = redactor.text(name);
  const definition = attributed.definitions[0];
  const asked = records[0]?.control?.caps.includes('restart') === true;
  const actions = restartActions({ client, asked, listens: port !== undefined }, name, definition);
  const startedBy = client ?? firstSeen.client;
  const recorded = recordedVersions(records, recordOfGuard(records, attributed));
  const context: ServerContext = { row: server, detail, loaded, recorded, actions, now, ...(startedBy === undefined ? {} : { startedBy }) };
  const verdict = withBeside(judgeServer(context, state), attributed, context, state);
  const update = state.updates.current(attributed, loaded, redactor, now);
  const container = state.containers.current(server, actions, now);
  // For `docker run` only the container counts: why the docker client's own package is unknown is not reported.
  const unknown = container ? container.unknown : verdict.unknown;
  const tree = serverTree(attributed, processes);
  const memoryBytes = tree.memory.reduce((sum, one) => sum + one, 0);
  const owner = state.owners.judge(server, detail, { client, firstSeen, name, memoryBytes }, now);
  const health = port && state.http.judge(port.claim, port.own, shownName, actions, now);
  const baseline = state.facts.baseline(server.identity);
  const calls = port ? {} : callsOf(records);
  const work = workOf(state.processorTimes.observe(server, processes.treeOf(server), now), calls, now);

  const instance: Instance = {
    id: key,
    pid: server.pid,
    startedAt: new Date(server.startedAt).toISOString(),
    name: shownName,
    definitions: attributed.definitions.map((item) => item.id),
    client,
    launchers: launchersOf(attributed, redactor),
    command: commandText(server, redactor),
    cwd: detail.cwd ?? null,
    transport: transportOf(attributed, port),
    ...(isReachedThroughGuard(attributed) ? { guarded: true } : {}),
    background: owner.background || port !== undefined,
    package: withLatest(withHealthVersion(verdict.package, port?.health), update.latest),
    ...(unknown === undefined ? {} : { unknown }),
    changedDependencies: verdict.changedDependencies,
    ...(records[0] ? { record: recordSummary(records[0], redactor) } : {}),
    memoryBytes,
    ...(work.state === 'idle' ? { idleSince: new Date(work.quietSince).toISOString() } : {}),
    tree: tree.pids,
    treeMemory: tree.memory,
    ...(port ? portFields(port, redactor) : sharedFields(attributed)),
    findings: [
      ...verdict.findings,
      ...[owner, health].flatMap((one) => one?.finding ?? []),
      ...unansweredFindings(records, shownName, context, redactor),
      ...entryFindings(attributed, context, state),
      ...(verdict.entryLeads ? [] : state.respawns.findings(attributed, context, verdict.package, update)),
      ...[container, update].flatMap((one) => one?.finding ?? []),
    ].map((finding) => dated(finding, { facts: state.facts, identity: server.identity, installed: verdict.package?.installed, now })),
    evidence: evidenceOf({
      attributed,
      loaded,
      firstSeenAt: firstSeen.firstSeenAt,
      facts: state.facts,
      ...(baseline ? { baseline: { value: baseline, record: state.facts.baselineFile(server.identity) } } : {}),
      redactor,
    }),
  };
  const design = client ? copiesByDesign(client.id) : undefined;
  // Of equal entries in files that this client does not read, another one may come first for each copy.
  const entry = client && definition?.readBy.includes(client.id) ? definition.id : server.commandLine;
  const copy: LivingCopy = {
    id: key,
    pid: server.pid,
    startedAt: server.startedAt,
    name: shownName,
    // Without a client, the host keeps a shared server for a moment.
    client: client && !isOfHost(attributed.parent) ? { ...client, name: redactor.text(client.name) } : undefined,
    ...(design === undefined ? {} : { copiesByDesign: design }),
    sameness: JSON.stringify([definition?.id ?? null, server.commandLine, detail.cwd ?? null]),
    observations: firstSeen.firstSeenAt < now ? Math.max(seen, 2) : seen,
    firstSeenAt: firstSeen.firstSeenAt,
    memoryBytes,
    actions,
    ...(client ? placeAmongCopies(client.id, entry, detail.cwd, redactor) : {}),
    work,
  };
  const waits = [verdict, owner, health, container].flatMap((one) => one?.askAgainIn ?? []);
  const inPlace = !('unknown' in loaded) && loaded.ref.editable === true;
  const checked = withoutContradiction(instance, inPlace, log);
  return {
    identity: server.identity,
    ...checked,
    instance: redactInstance(checked.instance, redactor),
    copy,
    ...calls,
    ...(waits.length === 0 ? {} : { askAgainIn: Math.min(...waits) }),
  };
}

/** A guard knows when its server was last called: that a call took little processor time does not make the server idle. */
function workOf(work: ServerWork, { uncalledSince = 0 }: GuardCalls, now: number): ServerWork {
  return uncalledSince === 'called' || now - uncalledSince < idleMs ? { ...work, state: 'worked' } : work;
}

/**
 * Adds what the command leads to now. Where that is another version, files that are gone are the rest of the same upgrade. A package that was replaced in place
 * says more; where only a link to it was moved, the place that the command leads to says more.
 */
function withBeside(
  judged: ServerVerdict,
  attributed: Attributed,
  server: ServerContext,
  state: SurveyState,
): ServerVerdict & { readonly entryLeads?: boolean } {
  const { scriptGone, ...verdict } = judged;
  const changed = verdict.findings.some(isPackageChange);
  const beside = changed && !isElsewhere(server, state.facts) ? {} : state.beside.judge(attributed, server, verdict.package, state.facts);
  const { finding, package: own, dependencies, unknown, askAgainIn, cure, entryLeads = false } = beside;
  const waits = [verdict.askAgainIn, askAgainIn].filter((wait) => wait !== undefined);
  const asking = waits.length === 0 ? {} : { askAgainIn: Math.min(...waits) };
  if (finding === undefined && changed) {
    return verdict;
  }
  if (finding === undefined) {
    const gone = scriptGone === undefined || entryLeads ? [] : [scriptGone];
    const reasons = [verdict.unknown, gone.length > 0 ? undefined : unknown].filter((reason) => reason !== undefined).join('; ');
    const found = [...verdict.findings, ...gone];
    const actions = cure ?? (found.some(({ kind }) => kind === 'files-gone') ? heldPath(attributed, server) : undefined);
    const findings = found.map((one) => (actions && one.kind === 'files-gone' ? { ...one, actions } : one));
    return {
      ...verdict,
      package: own ?? verdict.package,
      findings,
      ...(reasons === '' ? {} : { unknown: reasons }),
      ...asking,
      entryLeads,
    };
  }
  // What the files that the process itself names may still become no longer matters.
  const { unknown: _, askAgainIn: __, ...known } = verdict;
  return {
    ...known,
    package: own ?? verdict.package,
    changedDependencies: dependencies ?? verdict.changedDependencies,
    findings: [finding, ...verdict.findings.filter((one) => one.kind !== 'files-gone' && !isPackageChange(one) && !isLikelySource(one))],
    entryLeads: true,
  };
}

/** Where the command leads elsewhere, that is the same event. */
function isLikelySource({ kind, subKind, confidence }: Finding): boolean {
  return kind === 'stale' && subKind === 'source' && confidence === 'likely';
}

function isPackageChange({ kind, subKind }: Finding): boolean {
  return kind === 'stale' && (subKind === 'package' || subKind === 'dependency' || subKind === 'content');
}

interface FirstSeenOf {
  readonly facts: FactStore;
  readonly identity: ProcessIdentity;
  /** Version of the server's package on disk: another one makes the finding another one. */
  readonly installed: string | null | undefined;
  readonly now: number;
}

/** A finding without a time of its own gets that of the first scan that saw one of its kind, for all later scans of all observers. */
function dated(finding: Finding, { facts, identity, installed, now }: FirstSeenOf): Finding {
  const { kind, subKind = '', sinceAtMost } = finding;
  return sinceAtMost
    ? { ...finding, since: new Date(facts.firstSeenAt(identity, `${kind}\n${subKind}`, installed ?? '', now)).toISOString() }
    : finding;
}

function transportOf({ definitions, detail }: Attributed, port: ServerPort | undefined): Instance['transport'] {
  const stdio = definitions[0]?.transport === 'stdio' || detail.stdin === 'connected' || detail.stdin === 'none';
  return port === undefined && stdio ? 'stdio' : detail.listens === true ? 'http' : 'unknown';
}

/** Calls that the guard of this server waits for. */
function unansweredFindings(
  records: readonly InstanceRecord[],
  name: string,
  { row, actions, now }: ServerContext,
  redactor: Redactor,
): Finding[] {
  const mark = unansweredMark(records, now);
  return mark ? [judgeUnanswered({ ...mark, oldest: quotedText(redactor.text(mark.oldest)), now, pid: row.pid, name, actions })] : [];
}

/** The version that `/health` names is used only where no version was found. */
function withHealthVersion(found: RunningPackage | null, health: Health | undefined): RunningPackage | null {
  const version = health?.version;
  return found && found.running === null && version !== undefined && /^v?\d+(\.\d+)+/.test(version)
    ? { ...found, running: version.replace(/^v/, '') }
    : found;
}

function withLatest(found: RunningPackage | null, latest: string | undefined): RunningPackage | null {
  return found && latest !== undefined ? { ...found, latest } : found;
}

function portFields({ claim, health, usedBy }: ServerPort, redactor: Redactor): Pick<Instance, 'listens' | 'usedBy'> {
  const shown = health && {
    status: redactor.text(health.status),
    ...(health.version === undefined ? {} : { version: redactor.text(health.version) }),
    ...(health.started === undefined ? {} : { started: redactor.text(health.started) }),
    ...(health.uptimeSeconds === undefined ? {} : { uptimeSeconds: health.uptimeSeconds }),
  };
  return { listens: { port: claim.port, ...(shown ? { health: shown } : {}) }, usedBy };
}

/** Builds the instance of each candidate that is a server. A candidate that cannot be judged is a problem and never hides the others. */
export function buildInstances(
  candidates: readonly Attributed[],
  context: ScanContext,
): { readonly observed: readonly ServerObservation[]; readonly problems: readonly Problem[] } {
  const observed: ServerObservation[] = [];
  const problems: Problem[] = [];
  for (const one of candidates) {
    try {
      if (isServer(one, context.state, context.now)) {
        const seen = buildInstance(one, context);
        observed.push(seen);
        problems.push(...(seen.fault ? [seen.fault] : []));
      }
    } catch (error) {
      const { pid } = one.server;
      problems.push({ source: 'facts', pid, message: t('PID {0} could not be judged: {1}', pid, context.redactor.text(reasonOf(error))) });
    }
  }
  return { observed, problems };
}

/** Whether a candidate is shown: an entry names it, it was started through our guard, or its package or a dependency of it is made for MCP. */
function isServer(attributed: Attributed, state: SurveyState, now: number): boolean {
  if (attributed.definitions.length > 0 || isReachedThroughGuard(attributed)) {
    return true;
  }
  const loaded = state.loadedPackage(attributed, now);
  // Without a package only the name decides, and the name made it a candidate.
  return 'unknown' in loaded || loaded.reading.status !== 'ok' || looksLikeMcp(loaded.ref, loaded.reading.packages);
}
