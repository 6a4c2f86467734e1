import { t } from '../../base/language/translate.ts';
import { clientName } from '../../clients/clientTable.ts';
import { familyOf, isAmbiguousHost, isTerminalHost, recogniseClient } from '../../clients/recogniseClient.ts';
import { type HolderEvidence, type HolderVerdict, judgeHolder, portTakenFinding } from '../../diagnosis/portTaken.ts';
import type { DefinitionPort, RawDefinition } from '../../model/definition.ts';
import type { Finding } from '../../model/finding.ts';
import { identityKey, type ProcessRow } from '../../model/process.ts';
import type { ClientInstance } from '../../model/snapshot.ts';
import { looksLikeMcp } from '../../package/looksLikeMcp.ts';
import { commandName, isShell } from '../../process/commandline/commandName.ts';
import { observedLaunch } from '../../process/commandline/parseLaunch.ts';
import { isNamespaceInit, type ProcessTree } from '../../process/tree/processTree.ts';
import type { Redactor } from '../../redaction/redactor.ts';
import type { Attributed } from '../match/attributeServers.ts';
import { looksLikeRow, looksLikeServer } from '../match/looksLikeServer.ts';
import type { LoadedPackage } from '../server/closures.ts';
import { commandText, programName, serverTree } from '../server/instanceParts.ts';
import type { Health } from './health.ts';
import type { HttpServers, HttpState } from './httpServers.ts';
import type { PortClaim } from './portClaims.ts';

/** One server and the port that its entries reach it by. */
export interface ServerPort {
  readonly claim: PortClaim;
  /** All PIDs of the server. */
  readonly own: readonly number[];
  /** Only what names a PID of the server. */
  readonly health?: Health;
  readonly usedBy: readonly ClientInstance[];
}

/** The servers and entries after the holders of the ports were judged. */
export interface JoinedPorts {
  /** Without the other programs that hold an entry's port. */
  readonly attributed: readonly Attributed[];
  /** By the identity of the server process. */
  readonly ports: ReadonlyMap<string, ServerPort>;
  /** By definition id. */
  readonly states: ReadonlyMap<string, DefinitionPort>;
  readonly findings: ReadonlyMap<string, readonly Finding[]>;
}

interface JoinContext {
  readonly servers: HttpServers;
  readonly processes: ProcessTree;
  readonly redactor: Redactor;
  /** The package of a server. */
  readonly loaded: (one: Attributed) => LoadedPackage;
  /** Epoch ms. */
  readonly now: number;
}

/** The entries by the PID of the process that holds their port, for `attributeServers`. */
export function listeningEntries({ claims }: HttpState): ReadonlyMap<number, readonly RawDefinition[]> {
  const entries = new Map<number, readonly RawDefinition[]>();
  for (const { row, definitions } of claims) {
    entries.set(row.pid, [...new Set([...(entries.get(row.pid) ?? []), ...definitions])]);
  }
  return entries;
}

/** Judges which program holds each entry's port, after asking `/health` there: the entry's server, or another program. */
export async function joinPorts(http: HttpState, attributed: readonly Attributed[], context: JoinContext): Promise<JoinedPorts> {
  const { servers, processes, now } = context;
  await servers.askAll(http.claims, now);
  const states = new Map<string, DefinitionPort>();
  for (const [id, { port, holder }] of http.states) {
    if (holder !== 'seen') {
      states.set(id, { number: port, holder });
    }
  }
  const findings = new Map<string, Finding[]>();
  const ports = new Map<string, ServerPort>();
  const kept: Attributed[] = [];
  for (const found of attributed) {
    const claimed = http.claims.some(({ row }) => row === found.server || found.launchers.includes(row));
    const one = claimed ? withOwnLaunchers(found, processes) : found;
    const own = serverTree(one, processes).pids;
    let left = one;
    for (const claim of http.claims.filter(({ row }) => own.includes(row.pid))) {
      const verdict = judge(one, claim, own, context);
      for (const definition of claim.definitions) {
        if (!claim.closed) {
          states.set(definition.id, {
            number: claim.port,
            holder: verdict.kind,
            pid: claim.row.pid,
            ...holderText(verdict, claim, context),
          });
        }
        if (verdict.kind === 'stranger') {
          const command = shortCommand(claim, context);
          const taken = portTakenFinding(
            { name: definition.name, port: claim.port, file: definition.file, line: definition.line },
            { pid: claim.row.pid, command, startedAt: claim.row.startedAt, reason: verdict.reason },
          );
          findings.set(definition.id, [...(findings.get(definition.id) ?? []), taken]);
        }
      }
      if (verdict.kind === 'server') {
        left = { ...left, whyByPort: left.whyByPort.map((line) => `${line}; ${verdict.why}`) };
        const health = servers.health(claim);
        ports.set(identityKey(one.server.identity), {
          claim,
          own,
          usedBy: usersOf(claim.port, own, http, processes),
          ...(health?.pid !== undefined && own.includes(health.pid) ? { health } : {}),
        });
      } else {
        left = without(left, claim.definitions);
      }
    }
    const detail = { server: left.server, detail: left.detail, launchers: left.launchers };
    if (left === one || left.definitions.length > 0 || looksLikeServer(detail)) {
      kept.push(left);
    }
  }
  for (const { definitions, port, row, closed } of http.claims) {
    for (const { id } of closed ? [] : definitions) {
      if (!states.has(id)) {
        // A client or an editor listens itself: there is no server of its own to show or to restart.
        states.set(id, { number: port, holder: 'hidden', pid: row.pid });
      }
    }
  }
  return { attributed: kept, ports, states, findings };
}

/**
 * A server behind a port is often started by a script that then does other things. A shell with other children is not a launcher of the server but its parent,
 * and is not part of the server.
 */
function withOwnLaunchers(one: Attributed, processes: ProcessTree): Attributed {
  let below = one.server;
  for (let at = one.launchers.length - 1; at >= 0; at--) {
    const row = one.launchers[at];
    if (!row) {
      break;
    }
    if (isShell(commandName(row.argv[0] ?? row.name)) && processes.childrenOf(row).some((child) => child !== below)) {
      return { ...one, launchers: one.launchers.slice(at + 1), parent: row };
    }
    below = row;
  }
  return one;
}

function judge(one: Attributed, claim: PortClaim, own: readonly number[], context: JoinContext): HolderVerdict {
  if (claim.closed) {
    // It was judged when it listened.
    return { kind: 'server', confidence: 'likely', why: t('it listened there before') };
  }
  const launch = observedLaunch(claim.row);
  const healthPid = context.servers.health(claim)?.pid;
  const speaksMcp = speaks(one, context);
  const entries = one.definitions.filter((definition) => !one.byPort.includes(definition));
  const evidence: HolderEvidence = {
    pid: claim.row.pid,
    tree: own,
    looksLikeServer:
      entries.length > 0 ||
      [one.server, ...one.launchers, claim.row].some((row) => looksLikeRow(row, row === one.server ? one.detail.cwd : undefined)),
    program: commandName(launch.launcher === 'binary' ? (launch.target ?? claim.row.name) : (claim.row.argv[0] ?? claim.row.name)),
    ...(healthPid === undefined ? {} : { healthPid }),
    ...(speaksMcp === undefined ? {} : { speaksMcp }),
    ...(launch.launcher === 'python-module' && launch.target !== undefined ? { module: launch.target } : {}),
  };
  return judgeHolder(evidence);
}

function holderText(
  verdict: HolderVerdict,
  claim: PortClaim,
  context: JoinContext,
): Pick<DefinitionPort, 'holderReason' | 'holderCommand'> {
  return verdict.kind === 'stranger' ? { holderReason: verdict.reason, holderCommand: shortCommand(claim, context) } : {};
}

function shortCommand(claim: PortClaim, { redactor }: JoinContext): string {
  const command = commandText(claim.row, redactor);
  return command.length > 120 ? `${command.slice(0, 119)}…` : command;
}

function speaks(one: Attributed, context: JoinContext): boolean | undefined {
  try {
    const loaded = context.loaded(one);
    return 'unknown' in loaded || loaded.reading.status !== 'ok' ? undefined : looksLikeMcp(loaded.ref, loaded.reading.packages);
  } catch {
    // The error is reported where the server itself is judged.
    return undefined;
  }
}

function without(one: Attributed, definitions: readonly RawDefinition[]): Attributed {
  const gone = one.byPort.filter((definition) => definitions.includes(definition));
  return {
    ...one,
    definitions: one.definitions.filter((definition) => !gone.includes(definition)),
    byPort: one.byPort.filter((definition) => !gone.includes(definition)),
    why: [],
    whyByPort: [],
  };
}

/** The programs at the other ends of the port's connections: for each its client, if it has one, else the program itself. */
function usersOf(port: number, own: readonly number[], { ports }: HttpState, processes: ProcessTree): ClientInstance[] {
  const byPid = new Map(processes.rows.map((row) => [row.pid, row]));
  const users = new Map<string, ClientInstance>();
  for (const { pid } of ports.clients.filter((one) => one.port === port)) {
    const row = byPid.get(pid);
    // Neither our own connection to /health, nor connections between a server and its workers.
    if (row && pid !== process.pid && !own.includes(pid)) {
      const user = clientAround(row, processes);
      users.set(user.identity, user);
    }
  }
  return [...users.values()].sort((a, b) => a.pid - b.pid);
}

function clientAround(row: ProcessRow, processes: ProcessTree): ClientInstance {
  for (const above of [row, ...processes.ancestorsOf(row)]) {
    const id = recogniseClient(above) ?? (isAmbiguousHost(above) ? familyOf(above) : undefined);
    if (id !== undefined) {
      return { id, name: clientName(id), pid: above.pid, identity: identityKey(above.identity) };
    }
    if (isTerminalHost(above) || isNamespaceInit(above)) {
      break;
    }
  }
  return { id: 'unknown', name: programName(row), pid: row.pid, identity: identityKey(row.identity) };
}
