import type { Log } from '../../../base/log.ts';
import { ControlRefusal } from '../../../lock/control/controlMessages.ts';
import { asItWasStarted } from '../../../model/finding.ts';
import { loopbackAddresses } from '../../../process/portHolder.ts';
import { runDirOf } from '../../../storage/runFolder.ts';
import type { HttpGuardOptions } from '../../options/httpOptions.ts';
import { guardTable } from '../../process/guardProcesses.ts';
import { restartCure } from '../../stale/restartCure.ts';
import { ServerCode } from '../../stale/serverCode.ts';
import type { RestartHint } from '../../stale/staleRefusal.ts';
import type { Upstream } from '../transport/upstream.ts';
import { type ExternalProcess, ExternalServer } from './externalServer.ts';
import { replaceByEnsure } from './replaceByEnsure.ts';
import { StaleCalls } from './staleCalls.ts';
import type { UpstreamServer } from './upstreamServer.ts';

/** A server behind `--upstream` that the guard did not start: its process, its code, and how it is replaced (`--ensure`). */
export class ExternalUpstream implements UpstreamServer {
  readonly state = 'running';
  readonly lastFault = undefined;
  readonly #options: HttpGuardOptions;
  readonly #upstream: Upstream;
  readonly #log: Log;
  #external: ExternalServer | undefined;
  #staleCalls: StaleCalls | undefined;
  #restarting: Promise<void> | undefined;

  constructor(options: HttpGuardOptions, upstream: Upstream, log: Log) {
    this.#options = options;
    this.#upstream = upstream;
    this.#log = log;
  }

  get pid(): number | undefined {
    return this.#external?.process?.row.pid;
  }

  get since(): number | undefined {
    return this.#external?.process?.row.startedAt;
  }

  get staleCalls(): StaleCalls | undefined {
    return this.#staleCalls;
  }

  async settled(): Promise<void> {
    await this.#external?.settled();
  }

  begin(): void {
    const { upstream: url, onStale, ensure } = this.#options;
    if (!url) {
      return;
    }
    this.#upstream.switchTo(url);
    if (!loopbackAddresses(url.hostname)) {
      if (onStale !== 'off') {
        this.#log.info(`the code of the server at ${url.host} cannot be read from this machine: calls are not checked`);
      }
      return;
    }
    this.#external = new ExternalServer({
      url,
      table: guardTable(),
      connections: () => this.#upstream,
      read: async (row) => (await this.#staleCalls?.recordExternal(row)) ?? new ServerCode(),
      changed: (process, why) => this.#changed(process, why),
    });
    this.#staleCalls = onStale === 'off' ? undefined : this.#staleGate(this.#external, url);
    if (onStale === 'restart' && ensure === undefined) {
      this.#log.warn(
        'this guard did not start the server and cannot restart it: stale calls are refused. --ensure NAME allows it, with the settings under "servers" in mcp-shepherd.json',
      );
    }
    void this.#external.read();
  }

  #changed(process: ExternalProcess | undefined, why: string): void {
    this.#staleCalls?.serve(process?.code);
    this.#log.info(process ? `the server is PID ${process.row.pid}` : `the process of the server is not known: ${why}`);
  }

  #staleGate(external: ExternalServer, url: URL): StaleCalls {
    const options = this.#options;
    return new StaleCalls({
      options,
      upstream: this.#upstream,
      table: guardTable(),
      restart: options.ensure === undefined ? undefined : (reason) => this.restart(reason),
      restartHint: () => restartHint(options, url, this.pid),
      external,
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
      throw new ControlRefusal('unsupported', `this guard did not start the server: restart it ${asItWasStarted}; its sessions survive`);
    }
    await this.#external?.read();
    const { pid } = this;
    if (pid === undefined) {
      throw new Error(`the process that listens at ${url.host} is not known`);
    }
    this.#log.info(`replacing the server (PID ${pid}) with "mcp-shepherd ensure ${ensure}": ${reason}`);
    await this.#replace(ensure, url, pid);
    this.#log.info(`the server was replaced (PID ${this.pid ?? 'unknown'})`);
  }

  /** Drains the calls in flight first; new calls wait. */
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
    await this.#external?.read();
  }

  async stop(): Promise<void> {
    this.#external?.close();
  }
}

/** How to restart the server that listens at an address. @param pid of its process; undefined when it is not known */
function restartHint({ ensure, runDir }: HttpGuardOptions, url: URL, pid: number | undefined): RestartHint {
  const who = pid === undefined ? `the process that listens on port ${url.port}` : `PID ${pid}, which listens on port ${url.port},`;
  const step = `end ${who} and start it again ${asItWasStarted}`;
  if (ensure === undefined) {
    return { step };
  }
  const replaced = pid === undefined ? [] : ['--replace', String(pid)];
  return restartCure(['ensure', ensure, '--url', url.origin, ...replaced], runDirOf(process.env, runDir), {
    env: process.env,
    unpublished: false,
    step,
  });
}
