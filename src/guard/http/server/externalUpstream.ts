import type { Log } from '../../../base/log.ts';
import { ControlRefusal } from '../../../lock/control/controlMessages.ts';
import { loopbackAddresses } from '../../../process/portHolder.ts';
import { runDirOf } from '../../../storage/runFolder.ts';
import type { HttpGuardOptions } from '../../options/httpOptions.ts';
import { guardTable } from '../../process/guardProcesses.ts';
import { ownCommand } from '../../stale/restartCommandLine.ts';
import { ServerCode } from '../../stale/serverCode.ts';
import type { RestartHint } from '../../stale/staleRefusal.ts';
import type { Upstream } from '../transport/upstream.ts';
import { type ExternalProcess, ExternalServer } from './externalServer.ts';
import { replaceByEnsure } from './replaceByEnsure.ts';
import { StaleCalls } from './staleCalls.ts';
import type { UpstreamServer } from './upstreamServer.ts';

/** A server behind `--upstream` that somebody else starts: who it is, what it runs, and who may replace it (`--ensure`). */
export class ExternalUpstream implements UpstreamServer {
  readonly state = 'running';
  readonly lastFault = undefined;
  readonly #options: HttpGuardOptions;
  readonly #upstream: Upstream;
  readonly #log: Log;
  #foreign: ExternalServer | undefined;
  #staleCalls: StaleCalls | undefined;
  #restarting: Promise<void> | undefined;

  constructor(options: HttpGuardOptions, upstream: Upstream, log: Log) {
    this.#options = options;
    this.#upstream = upstream;
    this.#log = log;
  }

  get pid(): number | undefined {
    return this.#foreign?.sighting?.row.pid;
  }

  get since(): number | undefined {
    return this.#foreign?.sighting?.row.startedAt;
  }

  get staleCalls(): StaleCalls | undefined {
    return this.#staleCalls;
  }

  async settled(): Promise<void> {
    await this.#foreign?.settled();
  }

  begin(): void {
    const { upstream: url, onStale, ensure } = this.#options;
    if (!url) {
      return;
    }
    this.#upstream.switchTo(url);
    if (!loopbackAddresses(url.hostname)) {
      if (onStale !== 'off') {
        this.#log.info(`what runs at ${url.host} cannot be seen from this machine: calls pass, whatever code it runs`);
      }
      return;
    }
    this.#foreign = new ExternalServer({
      url,
      table: guardTable(),
      connections: () => this.#upstream,
      read: async (row) => (await this.#staleCalls?.recordExternal(row)) ?? new ServerCode(),
      changed: (sighting, why) => this.#changed(sighting, why),
    });
    this.#staleCalls = onStale === 'off' ? undefined : this.#staleGate(this.#foreign, url);
    if (onStale === 'restart' && ensure === undefined) {
      this.#log.warn(
        'this guard did not start the server and is not told who can: stale calls are refused. --ensure NAME says how, by "servers" in mcp-shepherd.json',
      );
    }
    void this.#foreign.look();
  }

  #changed(sighting: ExternalProcess | undefined, why: string): void {
    this.#staleCalls?.serve(sighting?.code);
    this.#log.info(sighting ? `the server is PID ${sighting.row.pid}` : `which process the server is, is not known: ${why}`);
  }

  #staleGate(foreign: ExternalServer, url: URL): StaleCalls {
    const options = this.#options;
    return new StaleCalls({
      options,
      upstream: this.#upstream,
      table: guardTable(),
      restart: options.ensure === undefined ? undefined : (reason) => this.restart(reason),
      cure: () => foreignCure(options, url, this.pid),
      foreign,
      log: (line) => this.#log.warn(line),
    });
  }

  restart(reason: string): Promise<void> {
    this.#restarting ??= this.#restart(reason).finally(() => {
      this.#restarting = undefined;
    });
    return this.#restarting;
  }

  async #restart(reason: string): Promise<void> {
    const { ensure, upstream: url } = this.#options;
    if (ensure === undefined || url === undefined) {
      throw new ControlRefusal('unsupported', 'this guard did not start the server: restart it where it was started; its sessions survive');
    }
    await this.#foreign?.look();
    const { pid } = this;
    if (pid === undefined) {
      throw new Error(`who listens at ${url.host} is not known`);
    }
    this.#log.info(`the server (PID ${pid}) is replaced by "mcp-shepherd ensure ${ensure}": ${reason}`);
    await this.#replace(ensure, url, pid);
    this.#log.info(`the server was replaced (PID ${this.pid ?? 'unknown'})`);
  }

  /** Calls under way come to their end first; calls that come meanwhile wait. */
  async #replace(name: string, url: URL, pid: number): Promise<void> {
    const { drainMs, runDir } = this.#options;
    const { target } = this.#upstream;
    this.#upstream.hold();
    try {
      if (target) {
        await this.#upstream.drained(target, drainMs);
      }
      await replaceByEnsure({ name, url, runDir }, pid);
    } finally {
      this.#upstream.release();
    }
    await this.#foreign?.look();
  }

  async stop(): Promise<void> {
    this.#foreign?.close();
  }
}

/** What restarts a server that listens at an address. @param pid of the process that listens there; undefined when it is not known */
function foreignCure({ ensure, runDir }: HttpGuardOptions, url: URL, pid: number | undefined): RestartHint {
  if (ensure === undefined) {
    const who = pid === undefined ? `what listens on port ${url.port}` : `PID ${pid}, which listens on port ${url.port},`;
    return { step: `end ${who} and start it again the way it was started` };
  }
  const replaced = pid === undefined ? [] : ['--replace', String(pid)];
  return ownCommand(['ensure', ensure, '--url', url.origin, ...replaced], runDirOf(process.env, runDir));
}
