import type { ControlHandlers } from '../../lock/control/controlServer.ts';
import type { HeldInstance, InstanceFacts } from '../../lock/holdResources.ts';
import type { LockDirectory } from '../../lock/lockDirectory.ts';
import type { ProcessStarts } from '../../lock/processStarts.ts';
import { commandMark, GuardLog } from '../../storage/guardLog.ts';
import { runDirOf } from '../../storage/runFolder.ts';
import { say } from '../message/ownAnswers.ts';
import type { GuardOptions } from '../options/guardOptions.ts';
import { type Ancestor, launchersAndClient, watchClient } from '../process/ancestors.ts';
import type { GuardPlace, Started } from '../process/guardPlace.ts';
import { guardStarts } from '../process/guardProcesses.ts';
import { type Acquisition, acquireLocks, openRunFolder } from './acquireLocks.ts';
import { GuardRecord, initialFacts, ownRedactor } from './guardRecord.ts';
import { takeOver } from './takeover.ts';

/** A probe that a client starts beside its session has ended within this time, ms. */
const probeMs = 2_000;
/** Modes that do not wait still outlast a reader that holds a lock for a moment, ms. */
const shortWaitMs = 300;
/** Time to get the lock of a holder that was ended, ms. */
const takenOverMs = 10_000;

type Place = Pick<GuardPlace, 'env' | 'cwd' | 'pid' | 'ppid' | 'say'>;

function thisProcess(): Place {
  return { env: process.env, cwd: process.cwd(), pid: process.pid, ppid: process.ppid, say };
}

/** The result of `--lock`. */
export type LockOutcome =
  /** The server may start. `conflict`: another process has the resource, and `--on-conflict` allows the start. */
  | { readonly status: 'start'; readonly instance?: HeldInstance; readonly conflict?: Acquisition & { readonly status: 'in-use' } }
  | { readonly status: 'refuse'; readonly text: string };

/** The processes above the guard, the folder of the records, and the facts of its own record. Loaded after the start of the server, except with a lock. */
export class GuardEnvironment {
  readonly #options: GuardOptions;
  readonly #place: Place;
  readonly #directory: LockDirectory | undefined;
  readonly starts: ProcessStarts;
  readonly facts: InstanceFacts;
  readonly #chain: readonly Ancestor[];
  /** Why nothing can be published or locked; undefined when both are possible. */
  readonly problem: string | undefined;

  private constructor(options: GuardOptions, place: Place, starts: ProcessStarts, facts: InstanceFacts, chain: readonly Ancestor[]) {
    this.#place = place;
    this.#options = options;
    this.starts = starts;
    this.facts = facts;
    this.#chain = chain;
    const opened = openRunFolder(options, place.env);
    this.#directory = 'directory' in opened ? opened.directory : undefined;
    this.problem = 'refused' in opened ? opened.refused : undefined;
  }

  static async read(options: GuardOptions, place: Place = thisProcess()): Promise<GuardEnvironment> {
    const [starts, chain] = await Promise.all([guardStarts(), launchersAndClient(place.ppid)]);
    const [own, client] = await Promise.all([startOf(starts, place.pid), clientFacts(chain.at(-1), starts)]);
    return new GuardEnvironment(options, place, starts, initialFacts(options, own, client, place), chain);
  }

  /**
   * Takes the resources as `--on-conflict` says. Writes to standard error when the server starts without them. Never throws.
   * @param signal ends the wait: the client is gone
   */
  async lock(signal: AbortSignal): Promise<LockOutcome> {
    const { locks, onConflict } = this.#options;
    const waitMs = onConflict.mode === 'refuse' ? probeMs : onConflict.mode === 'wait' ? onConflict.limitMs : shortWaitMs;
    let result = await this.#acquireLocks(waitMs, signal);
    let notTaken = '';
    // Each resource may have a holder of its own.
    for (
      let holders = locks.length;
      result.status === 'in-use' && onConflict.mode === 'takeover' && notTaken === '' && holders > 0;
      holders -= 1
    ) {
      [result, notTaken] = await this.#takeOver(result, onConflict.force, signal);
    }
    if (result.status === 'held') {
      return { status: 'start', instance: result.instance };
    }
    if (result.status === 'in-use' && (onConflict.mode === 'warn' || onConflict.mode === 'read-only')) {
      this.#place.say(`${result.text}; ${this.#options.name ?? this.#options.command} is started anyway`);
      return { status: 'start', conflict: result };
    }
    return { status: 'refuse', text: refusal(result, this.#options, notTaken) };
  }

  async #acquireLocks(waitMs: number, signal: AbortSignal, facts: InstanceFacts = this.facts): Promise<Acquisition> {
    const directory = this.#directory;
    return directory
      ? acquireLocks({ directory, starts: this.starts, options: this.#options, facts, waitMs, signal })
      : { status: 'impossible', text: this.problem ?? 'there is no run folder' };
  }

  async #takeOver(found: Acquisition & { status: 'in-use' }, force: boolean, signal: AbortSignal): Promise<[Acquisition, string]> {
    const { holder, resource } = found;
    if (!holder || !this.#directory) {
      return [found, 'its process is not known, so it cannot be ended'];
    }
    const taken = await takeOver({ directory: this.#directory, starts: this.starts, holder, key: resource.key, force });
    if (taken.status === 'left') {
      return [found, taken.reason];
    }
    const facts = { ...this.facts, x: { ...this.facts.x, takeovers: taken.history } };
    return [await this.#acquireLocks(takenOverMs, signal, facts), ''];
  }

  /** Tries once to take the resources, for a guard that serves without them. */
  async promote(signal: AbortSignal): Promise<Acquisition> {
    const result = await this.#acquireLocks(0, signal);
    return result.status === 'impossible' ? { ...result, text: `it is unknown whether its resource is free: ${result.text}` } : result;
  }

  /** Publishes the guard. @returns undefined when it cannot be published; the reason was reported */
  async publish(
    held: HeldInstance | undefined,
    x: Readonly<Record<string, unknown>>,
    handlers: ControlHandlers,
    report: (problem: string) => void,
  ): Promise<GuardRecord | undefined> {
    let instance = held;
    if (!instance && this.#directory) {
      const result = await acquireLocks({
        directory: this.#directory,
        starts: this.starts,
        options: { locks: [] },
        // A server that only reads is no conflict.
        uses: this.#options.onConflict.mode === 'warn' ? this.#options.locks : [],
        facts: { ...this.facts, x: { ...this.facts.x, ...x } },
        waitMs: shortWaitMs,
        signal: AbortSignal.timeout(shortWaitMs),
      });
      instance = result.status === 'held' ? result.instance : undefined;
      if (result.status !== 'held') {
        report(`it is not published: ${result.text}`);
      }
    } else if (!instance) {
      report(`it is not published: ${this.problem}`);
    }
    if (!instance || !this.#directory) {
      return undefined;
    }
    const record = new GuardRecord(instance, this.starts, report, ownRedactor(this.#options, this.#place.env));
    await record.open(this.#directory, handlers);
    return record;
  }

  /** Calls back when the client is gone behind a launcher that keeps the guard's input open. @returns ends the watch */
  watchClient(gone: () => void): () => void {
    const { client } = this.facts;
    return client?.start === undefined ? () => undefined : watchClient(this.#chain, client.start, this.starts, gone);
  }
}

function refusal(result: Exclude<Acquisition, { status: 'held' }>, { onConflict, command }: GuardOptions, notTaken: string): string {
  if (result.status === 'impossible') {
    return `${command} was not started: it is unknown whether its resource is free: ${result.text}`;
  }
  const end = result.orphan ? 'End that server' : 'Close its client or end it';
  const other = onConflict.mode === 'refuse' ? ', or start this one with --on-conflict wait, read-only or takeover' : '';
  return `${command} was not started: ${result.text}${notTaken === '' ? '' : `; ${notTaken}`}. Nothing was done. ${end}${other}, and connect again.`;
}

async function startOf(starts: ProcessStarts, pid: number): Promise<string | undefined> {
  return starts.startOf(pid).catch(() => undefined);
}

async function clientFacts(ancestor: Ancestor | undefined, starts: ProcessStarts): Promise<InstanceFacts['client']> {
  if (!ancestor || ancestor.isLauncher) {
    return undefined;
  }
  const start = await startOf(starts, ancestor.pid);
  return { name: ancestor.name, pid: ancestor.pid, ...(start === undefined ? {} : { start }) };
}

/** The log of what the servers of this guard write to standard error, without the secrets of their environment. @throws what the run folder throws */
export function openErrorLog({ command, args, runDir }: Started, { env, pid }: Pick<GuardPlace, 'env' | 'pid'>): (text: string) => void {
  const log = new GuardLog(runDirOf(env, runDir).path, { mark: commandMark(command, args), pid, startedAt: Date.now() });
  const redactor = ownRedactor({ command, args }, env);
  return (text) => log.add(redactor.text(text));
}
