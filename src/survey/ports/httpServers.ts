import { judgePort, type PortVerdict } from '../../diagnosis/unresponsive.ts';
import type { RawDefinition } from '../../model/definition.ts';
import type { FindingAction } from '../../model/finding.ts';
import { identityKey, type ListenerTable, type PortState, type ProcessRow } from '../../model/process.ts';
import type { ProcessTree } from '../../process/tree/processTree.ts';
import { type AskHealth, askHealth, type Health, type HealthAnswer } from './health.ts';
import { claimPorts, type EntryPort, holdersOf, type PortClaim, portsOf } from './portClaims.ts';
import { type PortFact, PortFacts } from './portFacts.ts';

/** The ports of the entries in one scan. */
export interface HttpState {
  readonly claims: readonly PortClaim[];
  /** By definition id. */
  readonly states: ReadonlyMap<string, EntryPort>;
  readonly ports: PortState;
}

/** A server that answered `/health` is asked again after this long. */
const healthMs = 10_000;
/** Another one after this long. */
const otherMs = 60_000;

/** The servers that entries reach by an address of this machine, with what is remembered of their ports. */
export class HttpServers {
  readonly #table: ListenerTable;
  readonly #ask: AskHealth;
  readonly #facts: PortFacts;
  readonly #answers = new Map<string, { readonly at: number; readonly answer: HealthAnswer }>();
  readonly #silent = new Map<string, { readonly since: number; readonly checks: number; readonly at: number }>();
  #ports: ReadonlySet<number> = new Set();
  #signature = '';

  constructor(table: ListenerTable, runDir: string, ask: AskHealth = askHealth) {
    this.#table = table;
    this.#ask = ask;
    this.#facts = new PortFacts(runDir);
  }

  /** Reads which processes hold the ports that the definitions name. Where the system does not tell, there are no claims and no states. */
  async read(definitions: readonly RawDefinition[], tree: ProcessTree): Promise<HttpState> {
    this.#ports = portsOf(definitions);
    const ports = this.#ports.size === 0 ? { listeners: [], clients: [] } : await this.#table.read(this.#ports);
    if (!ports) {
      return { claims: [], states: new Map(), ports: { listeners: [], clients: [] } };
    }
    this.#signature = signatureOf(ports);
    const { claims, states } = claimPorts(definitions, ports, tree);
    const lost = claimPorts(definitions, this.#lost(ports, tree), tree).claims.map((claim): PortClaim => ({ ...claim, closed: true }));
    return { claims: [...claims, ...lost], states, ports };
  }

  /** Whether a listener appeared or disappeared since `read`. Always false where reading the ports takes a program (`lsof`, PowerShell). */
  async changed(): Promise<boolean> {
    if (this.#ports.size === 0 || this.#table.source !== 'proc') {
      return false;
    }
    const ports = await this.#table.read(this.#ports);
    return ports !== undefined && signatureOf(ports) !== this.#signature;
  }

  /** Asks `/health` where that is due, all servers at the same time; takes one second at most. @param now epoch ms */
  async askAll(claims: readonly PortClaim[], now: number): Promise<void> {
    await Promise.all(
      claims.map(async (claim) => {
        const key = keyOf(claim.row, claim.port);
        const known = this.#answers.get(key);
        const age = known === undefined ? Number.POSITIVE_INFINITY : now - known.at;
        const due = known?.answer.kind === 'health' ? healthMs : this.#facts.of(claim.row.identity, claim.port)?.healthyAt ? 0 : otherMs;
        if (!claim.closed && !claim.secure && age >= due) {
          this.#answers.set(key, { at: now, answer: await this.#ask(claim.address, claim.port) });
        }
      }),
    );
  }

  /** The last health answer at this port; undefined without one. */
  health(claim: PortClaim): Health | undefined {
    const answer = this.#answers.get(keyOf(claim.row, claim.port))?.answer;
    return answer?.kind === 'health' ? answer.health : undefined;
  }

  /**
   * Records the state of a server's port and judges whether the server responds.
   * @param own PIDs of its tree: `/health` counts only with one of these @param now epoch ms
   */
  judge(claim: PortClaim, own: readonly number[], name: string, actions: readonly FindingAction[], now: number): PortVerdict {
    const { identity } = claim.row;
    const known = this.#facts.of(identity, claim.port);
    const before: PortFact = known ?? { schema: 1, identity, port: claim.port, server: true, closedLooks: 0 };
    const fact = claim.closed ? closedFact(before, now) : this.#openFact(claim, before, own);
    this.#facts.set(fact);
    const silent = claim.closed ? undefined : this.#silenceOf(claim);
    return judgePort({
      now,
      pid: claim.row.pid,
      name,
      port: claim.port,
      actions,
      silentLooks: silent?.checks ?? 0,
      closedLooks: fact.closedLooks,
      ...(fact.healthyAt === undefined ? {} : { healthyAt: fact.healthyAt }),
      ...(silent === undefined ? {} : { silentSince: silent.since }),
      ...(fact.closedSince === undefined ? {} : { closedSince: fact.closedSince }),
    });
  }

  keep(alive: ReadonlySet<string>): void {
    this.#facts.keep(alive);
    for (const key of this.#answers.keys()) {
      if (!alive.has(key.slice(0, key.lastIndexOf(' ')))) {
        this.#answers.delete(key);
        this.#silent.delete(key);
      }
    }
  }

  #openFact(claim: PortClaim, before: PortFact, own: readonly number[]): PortFact {
    const known = this.#answers.get(keyOf(claim.row, claim.port));
    const { closedSince: _, ...rest } = before;
    const healthy = known?.answer.kind === 'health' && known.answer.health.pid !== undefined && own.includes(known.answer.health.pid);
    return { ...rest, closedLooks: 0, ...(healthy ? { healthyAt: known.at } : {}) };
  }

  /** Since when `/health` gave no answer, in consecutive checks of this process: two misses with an answer in between do not count. */
  #silenceOf(claim: PortClaim): { readonly since: number; readonly checks: number } | undefined {
    const key = keyOf(claim.row, claim.port);
    const known = this.#answers.get(key);
    if (known === undefined || known.answer.kind === 'health' || known.answer.kind === 'other') {
      this.#silent.delete(key);
      return undefined;
    }
    const before = this.#silent.get(key);
    const silence = { since: before?.since ?? known.at, checks: (before?.checks ?? 0) + (before?.at === known.at ? 0 : 1), at: known.at };
    this.#silent.set(key, silence);
    return silence;
  }

  /** Servers that held a port before and run, while no process holds it now; shown as if they still held it. */
  #lost(ports: PortState, tree: ProcessTree): PortState {
    const rows = new Map(tree.rows.map((row) => [identityKey(row.identity), row]));
    const listeners = this.#facts.all().flatMap((fact) => {
      const row = rows.get(identityKey(fact.identity));
      const free = holdersOf(ports, fact.port).size === 0 && !ports.listeners.some((one) => one.port === fact.port);
      return row && fact.server && free && this.#ports.has(fact.port) ? [{ port: fact.port, address: '0.0.0.0', pids: [row.pid] }] : [];
    });
    return { listeners, clients: [] };
  }
}

function closedFact(before: PortFact, now: number): PortFact {
  return { ...before, closedSince: before.closedSince ?? now, closedLooks: before.closedLooks + 1 };
}

function keyOf(row: ProcessRow, port: number): string {
  return `${identityKey(row.identity)} ${port}`;
}

function signatureOf({ listeners }: PortState): string {
  return listeners
    .map(({ port, address, pids }) => `${port} ${address} ${pids.join()}`)
    .sort()
    .join('\n');
}
