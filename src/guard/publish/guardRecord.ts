import { reasonOf } from '../../base/errors.ts';
import { singleLine } from '../../base/singleLine.ts';
import { type ControlHandlers, type ControlServer, openControlServer } from '../../lock/control/controlServer.ts';
import type { HeldInstance, InstanceFacts } from '../../lock/holdResources.ts';
import type { LockDirectory } from '../../lock/lockDirectory.ts';
import type { ProcessStarts } from '../../lock/processStarts.ts';
import { createRedactor, type Redactor, secretsOf } from '../../redaction/redactor.ts';
import type { RefusedCalls } from '../message/refusedCalls.ts';
import type { GuardOptions } from '../options/guardOptions.ts';
import type { ClientsProcess } from '../process/guardPlace.ts';
import type { ServerProcess } from '../process/serverProcess.ts';

/** Longest text of a record (`instanceRecord.ts`). */
const maxText = 4_096;
/** Arguments that are stored. */
const maxArgs = 100;
/** Time between two checks of the lock files, ms. */
const checkMs = 60_000;

/** The facts of the record before the server runs. Arguments are redacted: no secret of the environment is in them. */
export function initialFacts(
  options: GuardOptions,
  own: string | undefined,
  client: InstanceFacts['client'],
  place: Pick<ClientsProcess, 'env' | 'cwd' | 'pid'> = { env: process.env, cwd: process.cwd(), pid: process.pid },
): InstanceFacts {
  const redactor = ownRedactor(options, place.env);
  return {
    ...(own === undefined ? {} : { guard: { pid: place.pid, start: own } }),
    serverId: recordText(options.name ?? redactor.text(options.command)),
    ...(client ? { client } : {}),
    launch: launchFacts(options, redactor, place.cwd),
    startedAt: new Date().toISOString(),
    x: { guard: 'stdio', onStale: options.onStale },
  };
}

/** A server's command. */
type Command = Pick<GuardOptions, 'command' | 'args'>;

/** The command as a record may hold it. Which arguments are secrets depends on the program, too (`redis-cli -a`). */
export function launchFacts(
  { command, args }: Command,
  redactor: Redactor,
  cwd: string = process.cwd(),
): NonNullable<InstanceFacts['launch']> {
  return {
    command: recordText(redactor.text(command)),
    args: redactor.args(args.slice(0, maxArgs), command).map(recordText),
    cwd: recordText(cwd),
  };
}

/** Hides the secrets of the guard's environment and of the server's command. @param started undefined when the guard starts no server */
export function ownRedactor(started: Command | undefined, variables: Readonly<NodeJS.ProcessEnv> = process.env): Redactor {
  const env = Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, value ?? '']));
  return createRedactor(secretsOf({ args: [], ...started, env, headers: [] }));
}

/** A text as a record may hold it: one line, at most 1,024 characters. */
export function recordText(text: string): string {
  return singleLine(text, maxText / 4);
}

/** The versions that a server has loaded. */
export type Versions = Pick<InstanceFacts, 'package' | 'deps'>;

/** The record of a guard, kept up to date, with its control endpoint. A record that cannot be written is reported once; the session continues. */
export class GuardRecord {
  readonly instance: HeldInstance;
  readonly #starts: ProcessStarts;
  readonly #report: (problem: string) => void;
  readonly #redactor: Redactor | undefined;
  #control: ControlServer | undefined;
  #state: 'starting' | 'running' | 'stopping' | 'compromised' = 'starting';
  #changes: Partial<InstanceFacts> = {};
  #server: { readonly pid: number; readonly start: string; readonly pgid: number } | undefined;
  #watch: NodeJS.Timeout | undefined;
  #reported = false;
  #closed = false;

  /** @param redactor for texts of servers and refusals */
  constructor(instance: HeldInstance, starts: ProcessStarts, report: (problem: string) => void, redactor?: Redactor) {
    this.instance = instance;
    this.#starts = starts;
    this.#report = report;
    this.#redactor = redactor;
  }

  /** Opens the control endpoint, and starts to check the lock files once a minute. */
  async open(directory: LockDirectory, handlers: ControlHandlers): Promise<void> {
    try {
      this.#control = await openControlServer({
        directory,
        instance: this.instance.record.id,
        handlers,
        server: () => this.#server,
        onProblem: this.#report,
      });
      if (this.#closed) {
        await this.#control.close();
        return;
      }
      this.set({ control: this.#control.endpoint });
    } catch (error) {
      this.#report(`it cannot be restarted from outside: ${reasonOf(error)}`);
    }
    if (this.instance.record.locks.length > 0) {
      this.#watch = setInterval(() => this.#checkLocks(), checkMs);
      this.#watch.unref();
    }
  }

  /**
   * Sets which server runs now, or why none does.
   * @param versions what a server has loaded; empty while that is not known, because what another server had loaded would be wrong
   */
  async serves(
    servers: readonly ServerProcess[],
    problem: string | undefined,
    versions?: (server: ServerProcess) => Versions,
  ): Promise<void> {
    // During an overlap the newest counts.
    const newest = servers.at(-1);
    const start = newest && ((await this.#starts.startOf(newest.pid)) ?? '?');
    this.#server = newest && start !== undefined ? { pid: newest.pid, start, pgid: newest.pid } : undefined;
    const loaded = newest && versions ? { package: undefined, deps: undefined, ...versions(newest) } : {};
    this.set({ server: this.#server, ...loaded }, this.#state === 'compromised' ? undefined : 'running');
    this.mark('problem', problem === undefined ? undefined : this.#redacted(problem));
  }

  /** Sets how many calls were refused, and why the newest was. */
  refused(calls: RefusedCalls | undefined): void {
    this.mark('refused', calls && { ...calls, last: this.#redacted(calls.last) });
  }

  /** Sets the name that the client states in its handshake, which replaces the name of its program. The client may write anything there. */
  clientNamed(name: string, version: string | undefined): void {
    const stated = { name: this.#redacted(name), ...(version === undefined ? {} : { version: this.#redacted(version) }) };
    this.set({ client: { ...this.instance.record.client, ...stated } });
  }

  #redacted(text: string): string {
    return recordText(this.#redactor?.text(text) ?? text);
  }

  /** Sets or removes a mark, an entry below `x`. */
  mark(name: string, value: unknown): void {
    const { [name]: before, ...x } = this.instance.record.x ?? {};
    if (before !== value) {
      this.set({ x: value === undefined ? x : { ...x, [name]: value } });
    }
  }

  /** Publishes more facts. Undefined removes a fact. */
  set(
    changes: { readonly [Key in keyof InstanceFacts]?: InstanceFacts[Key] | undefined },
    state?: 'running' | 'stopping' | 'compromised',
  ): void {
    if (this.#closed) {
      return;
    }
    this.#state = state ?? this.#state;
    this.#changes = { ...this.#changes, ...(changes as Partial<InstanceFacts>) };
    try {
      this.instance.publish({ ...this.#changes, state: this.#state });
    } catch (error) {
      if (!this.#reported) {
        this.#reported = true;
        this.#report(`its record cannot be written: ${reasonOf(error)}`);
      }
    }
  }

  #checkLocks(): void {
    this.instance.refreshFileTimes();
    if (!this.#closed && this.#state !== 'compromised' && !this.instance.isIntact()) {
      this.#report('its lock file was deleted or replaced: another server may take the resource too');
      this.set({}, 'compromised');
    }
  }

  /** Once the server is gone: removes the record and releases the locks, also those that stray descendants inherited. */
  async close(): Promise<void> {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    clearInterval(this.#watch);
    await this.#control?.close();
    await (this.instance.record.locks.length > 0 ? this.instance.unlockAndClose() : this.instance.close());
  }
}
