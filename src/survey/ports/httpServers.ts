import { judgePort, type PortVerdict } from '../../diagnosis/unresponsive.ts';
import type { RawDefinition } from '../../model/definition.ts';
import type { FindingAction } from '../../model/finding.ts';
import { identityKey, type ProcessRow } from '../../model/process.ts';
import type { ListenerTable, PortState } from '../../process/listenerTable.ts';
import type { ProcessTree } from '../../process/tree/processTree.ts';
import { type AskHealth, askHealth, type Health, type HealthAnswer } from './health.ts';
import { claimPorts, type EntryPort, holdersOf, type PortClaim, portsOf } from './portClaims.ts';
import { type PortFact, PortFacts } from './portFacts.ts';

/** The ports of the entries at one moment: who holds them, and who is connected. */
export interface HttpState {
  readonly claims: readonly PortClaim[];
  /** By definition id. */
  readonly states: ReadonlyMap<string, EntryPort>;
  readonly look: PortState;
}

/** An answered `/health` is asked again after this long, one that is none after this long. */
const healthMs = 10_000;
const otherMs = 60_000;

/** Sees the servers that entries reach by an address of this machine, and remembers what it saw of their ports. */
export class HttpServers {
  readonly #table: ListenerTable;
  readonly #ask: AskHealth;
  readonly #facts: PortFacts;
  readonly #answers = new Map<string, { readonly at: number; readonly answer: HealthAnswer }>();
  readonly #silent = new Map<string, { readonly since: number; readonly looks: number; readonly at: number }>();
  #ports: ReadonlySet<number> = new Set();
  #signature = '';

  constructor(table: ListenerTable, runDir: string, ask: AskHealth = askHealth) {
    this.#table = table;
    this.#ask = ask;
    this.#facts = new PortFacts(runDir);
  }

  /** Who holds the ports that the definitions name. Asks nobody; where the system gives no answer, nothing is held and nothing is free. */
  async look(definitions: readonly RawDefinition[], tree: ProcessTree): Promise<HttpState> {
    this.#ports = portsOf(definitions);
    const look = this.#ports.size === 0 ? { listeners: [], clients: [] } : await this.#table.look(this.#ports);
    if (!look) {
      return { claims: [], states: new Map(), look: { listeners: [], clients: [] } };
    }
    this.#signature = signatureOf(look);
    const { claims, states } = claimPorts(definitions, look, tree);
    const lost = claimPorts(definitions, this.#lost(look, tree), tree).claims.map((claim): PortClaim => ({ ...claim, closed: true }));
    return { claims: [...claims, ...lost], states, look };
  }

  /** Whether somebody began or ceased to listen since the last look. Cheap where the system makes it cheap, else always false. */
  async changed(): Promise<boolean> {
    if (this.#ports.size === 0 || this.#table.source !== 'proc') {
      return false;
    }
    const look = await this.#table.look(this.#ports);
    return look !== undefined && signatureOf(look) !== this.#signature;
  }

  /** Asks `/health` where that is due, all at a time: one second at most. @param claims those whose answer is wanted */
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

  /** The last answer of the one who holds this port; undefined when there was none of that kind. */
  health(claim: PortClaim): Health | undefined {
    const answer = this.#answers.get(keyOf(claim.row, claim.port))?.answer;
    return answer?.kind === 'health' ? answer.health : undefined;
  }

  /**
   * Remembers this look at a server and judges whether it answers.
   * @param own PIDs of its tree: `/health` counts only with one of these
   */
  judge(claim: PortClaim, own: readonly number[], name: string, actions: readonly FindingAction[], now: number): PortVerdict {
    const { identity } = claim.row;
    const known = this.#facts.of(identity, claim.port);
    const before: PortFact = known ?? { schema: 1, identity, port: claim.port, server: true, closedLooks: 0 };
    const fact = claim.closed ? closedLook(before, now) : this.#openLook(claim, before, own);
    this.#facts.set(fact);
    const silent = claim.closed ? undefined : this.#silenceOf(claim);
    return judgePort({
      now,
      pid: claim.row.pid,
      name,
      port: claim.port,
      actions,
      silentLooks: silent?.looks ?? 0,
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

  #openLook(claim: PortClaim, before: PortFact, own: readonly number[]): PortFact {
    const known = this.#answers.get(keyOf(claim.row, claim.port));
    const { closedSince: _, ...rest } = before;
    const healthy = known?.answer.kind === 'health' && known.answer.health.pid !== undefined && own.includes(known.answer.health.pid);
    return { ...rest, closedLooks: 0, ...(healthy ? { healthyAt: known.at } : {}) };
  }

  /** Asked again and again in one run, without one answer in between: two isolated misses, an hour apart, are no silence. */
  #silenceOf(claim: PortClaim): { readonly since: number; readonly looks: number } | undefined {
    const key = keyOf(claim.row, claim.port);
    const known = this.#answers.get(key);
    if (known === undefined || known.answer.kind === 'health' || known.answer.kind === 'other') {
      this.#silent.delete(key);
      return undefined;
    }
    const before = this.#silent.get(key);
    const silence = { since: before?.since ?? known.at, looks: (before?.looks ?? 0) + (before?.at === known.at ? 0 : 1), at: known.at };
    this.#silent.set(key, silence);
    return silence;
  }

  /** Servers that are remembered to have held a port that nobody holds now, as if they still did. */
  #lost(look: PortState, tree: ProcessTree): PortState {
    const rows = new Map(tree.rows.map((row) => [identityKey(row.identity), row]));
    const listeners = this.#facts.all().flatMap((fact) => {
      const row = rows.get(identityKey(fact.identity));
      const free = holdersOf(look, fact.port).size === 0 && !look.listeners.some((one) => one.port === fact.port);
      return row && fact.server && free && this.#ports.has(fact.port) ? [{ port: fact.port, address: '0.0.0.0', pids: [row.pid] }] : [];
    });
    return { listeners, clients: [] };
  }
}

function closedLook(before: PortFact, now: number): PortFact {
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
