import type { Log } from '../../../base/log.ts';
import { asItWasStarted } from '../../../model/finding.ts';
import { runDirOf } from '../../../storage/runFolder.ts';
import { passErrors } from '../../message/ownAnswers.ts';
import type { HttpGuardOptions } from '../../options/httpOptions.ts';
import { guardTable } from '../../process/guardProcesses.ts';
import { ServerErrors } from '../../process/serverErrors.ts';
import type { ServerProcess } from '../../process/serverProcess.ts';
import { Watchdog } from '../../process/watchdog.ts';
import type { GuardRecord } from '../../publish/guardRecord.ts';
import { restartCure } from '../../stale/restartCure.ts';
import type { Upstream } from '../transport/upstream.ts';
import { OwnProcess } from './ownProcess.ts';
import { StaleCalls } from './staleCalls.ts';
import type { UpstreamServer } from './upstreamServer.ts';

interface OwnUpstreamParts {
  readonly options: HttpGuardOptions & { readonly command: string };
  readonly upstream: Upstream;
  readonly log: Log;
  /** The guard's record; undefined when nothing is published. */
  readonly publication: GuardRecord | undefined;
  /** The path that clients use; undefined until one has connected. */
  readonly path: () => string | undefined;
}

/** Until a started server accepts connections, ms. */
const startMs = 60_000;

/** A server that the guard starts: its process, its code, its record, and a watchdog that ends it when the guard is killed. */
export class OwnUpstream implements UpstreamServer {
  readonly staleCalls: StaleCalls | undefined;
  readonly #log: Log;
  readonly #publication: GuardRecord | undefined;
  readonly #process: OwnProcess;
  readonly #watchdog: Watchdog;
  #restarting: Promise<void> | undefined;
  readonly #errors: ServerErrors;

  constructor({ options, upstream, log, publication, path }: OwnUpstreamParts) {
    this.#log = log;
    this.#publication = publication;
    this.#errors = new ServerErrors(options, { env: process.env, pid: process.pid, passErrors });
    this.staleCalls =
      options.onStale === 'off'
        ? undefined
        : new StaleCalls({
            options,
            upstream,
            table: guardTable(),
            restart: (reason) => this.restart(reason),
            restartHint: () => {
              const step = `end its guard (PID ${process.pid}) and start it again ${asItWasStarted}`;
              const about = { env: process.env, unpublished: publication === undefined, step };
              return restartCure(['restart', String(process.pid)], runDirOf(process.env, options.runDir), about);
            },
            log: (line) => log.warn(line),
            staleWrites: (summary) => publication?.mark('staleWrites', summary),
          });
    this.#process = new OwnProcess(upstream, {
      ...options,
      fixed: options.upstream,
      startMs,
      log,
      overlap: () => options.upstream === undefined && (options.overlap || this.staleCalls?.allRead === true),
      inherited: () => publication?.instance.inheritableFiles ?? [],
      path,
      staleCalls: () => this.staleCalls,
      changed: (servers, problem) => this.#changed(servers, problem),
      errors: (output) => this.#errors.take(output),
      crashed: (ended) => void this.#errors.crashed(ended, (value) => publication?.mark('ends', value)),
    });
    this.#watchdog = new Watchdog(options.graceMs);
  }

  get state(): string {
    return this.#process.state;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get since(): number | undefined {
    return this.#process.since;
  }

  get lastFault(): string | undefined {
    return this.#process.lastFault;
  }

  async settled(): Promise<void> {}

  begin(): void {
    void this.#process.begin();
  }

  restart(reason: string): Promise<void> {
    this.#restarting ??= this.#restart(reason).finally(() => {
      this.#restarting = undefined;
    });
    return this.#restarting;
  }

  async #restart(reason: string): Promise<void> {
    this.#log.info(`restarting the server: ${reason}`);
    await this.#process.restart();
    this.#log.info(`the server was restarted (PID ${this.#process.pid})`);
  }

  #changed(servers: readonly ServerProcess[], problem: string | undefined): void {
    this.#watchdog.tell(servers.map(({ pid }) => pid));
    this.#publication?.set({ ...this.staleCalls?.recorded });
    void this.#publication?.serves(servers, problem);
  }

  async stop(): Promise<void> {
    await this.#process.stop();
    await this.#errors.ended();
    this.#watchdog.dismiss();
  }
}
