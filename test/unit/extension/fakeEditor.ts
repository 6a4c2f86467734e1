import type { EditorContext } from '../../../src/extension/window/windowServers.ts';
import type { Definition } from '../../../src/model/definition.ts';
import type { Instance, NotStarted, Snapshot } from '../../../src/model/snapshot.ts';
import { fullSnapshot } from '../cli/fullSnapshot.ts';
import { definition, instance, snapshot } from './samples.ts';

/** A guard that has not started its server. */
const [resting]: readonly NotStarted[] = fullSnapshot.notStarted;

/** How one server of the fake editor behaves. */
export interface FakeServer {
  /** The editor's own id. */
  readonly id: string;
  readonly definition: Definition;
  /** Milliseconds that it takes to end; longer than 20 s is cut there, as the editor does. */
  readonly endsAfter?: number;
  /** Its guard starts it when it is called: after a start the guard alone runs. */
  readonly lazy?: boolean;
  /** It does not come back. */
  readonly broken?: boolean;
  /** What starting answers with instead of starting. */
  readonly refuses?: string;
  /** The process outlives its launcher by so many milliseconds after the editor let go of it. */
  readonly lingers?: number;
  /** Milliseconds after the end of its process in which the editor still takes it for running, and starts nothing. */
  readonly noticedAfter?: number;
}

/**
 * An editor that treats its servers as VS Code does (measured on 1.139): stopping waits for the end, unknown ids and running
 * servers are ignored without a word, and nothing but the processes tells what happened. Time is a number that `wait` moves.
 */
export class FakeEditor implements EditorContext {
  readonly pid = 100;
  readonly calls: string[] = [];
  readonly #servers: readonly FakeServer[];
  readonly #running = new Map<string, Instance>();
  #lingering: { instance: Instance; until: number }[] = [];
  readonly #resting = new Set<string>();
  readonly #noticedAt = new Map<string, number>();
  #timers: { at: number; fire: () => void }[] = [];
  #now = 0;
  #pids = 5000;
  /** Commands that this editor has. */
  available: readonly string[] = ['workbench.mcp.stopServer', 'workbench.mcp.startServer'];

  constructor(servers: readonly FakeServer[]) {
    this.#servers = servers;
    for (const server of servers) {
      this.run(server.id);
    }
  }

  running(id: string): Instance {
    const found = this.#running.get(id);
    if (!found) {
      throw new Error(`${id} does not run`);
    }
    return found;
  }

  isRunning(id: string): boolean {
    return this.#running.has(id);
  }

  /** Ends a process as the editor does when its entry has changed: without a command, and it notices the end later than the process table. */
  end(id: string): void {
    this.#running.delete(id);
    this.#noticedAt.set(id, this.#now + (this.#server(id)?.noticedAfter ?? 0));
  }

  /** Starts a process as another party would. */
  run(id: string): void {
    const server = this.#server(id);
    this.#pids++;
    // Every server with the same command fits every definition that has it.
    const same = this.#servers
      .filter((other) => other.definition.command === server?.definition.command)
      .map((other) => other.definition.id);
    this.#running.set(id, instance({ pid: this.#pids, definitions: same, name: server?.definition.name ?? id }));
  }

  #server(id: string): FakeServer | undefined {
    return this.#servers.find((server) => server.id === id);
  }

  async execute(command: string, ...args: readonly unknown[]): Promise<unknown> {
    const [id, options] = args;
    this.calls.push([command.replace('workbench.mcp.', ''), id, ...(options === undefined ? [] : [JSON.stringify(options)])].join(' '));
    const server = this.#server(String(id));
    if (!server) {
      return undefined;
    }
    if (command === 'workbench.mcp.stopServer' && this.#running.has(server.id)) {
      await this.wait(Math.min(server.endsAfter ?? 20, 60_000));
      const { client: _, ...rest } = this.running(server.id);
      this.#lingering.push({ instance: { ...rest, client: null }, until: this.#now + (server.lingers ?? 0) });
      this.#running.delete(server.id);
    }
    const startable = !this.#running.has(server.id) && (this.#noticedAt.get(server.id) ?? 0) <= this.#now;
    if (command === 'workbench.mcp.startServer' && startable) {
      await this.wait(150);
      if (server.refuses !== undefined) {
        throw new Error(server.refuses);
      }
      if (server.lazy) {
        this.#resting.add(server.definition.id);
      } else if (!server.broken) {
        this.run(server.id);
      }
    }
    return undefined;
  }

  async hasCommand(command: string): Promise<boolean> {
    return this.available.includes(command);
  }

  async scan(): Promise<Snapshot> {
    this.#lingering = this.#lingering.filter((one) => one.until > this.#now);
    const instances = [...this.#running.values(), ...this.#lingering.map((one) => one.instance)];
    const notStarted = [...this.#resting].flatMap((id) =>
      resting?.client ? [{ ...resting, client: { ...resting.client, pid: this.pid }, definitions: [id] }] : [],
    );
    return snapshot({ definitions: this.#servers.map((server) => server.definition), instances, notStarted });
  }

  folders(): readonly string[] {
    return ['/home/ann/api'];
  }

  clock(): number {
    return this.#now;
  }

  /** Moves time to the next timer as soon as nothing else can happen. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#timers.push({ at: this.#now + ms, fire: resolve });
      setImmediate(() => this.#advance());
    });
  }

  #advance(): void {
    this.#timers.sort((a, b) => a.at - b.at);
    const next = this.#timers.shift();
    if (next) {
      this.#now = Math.max(this.#now, next.at);
      next.fire();
    }
  }
}

/** The definition in `.vscode/mcp.json` of the one folder. */
export const inFolder: FakeServer = { id: 'mcp.config.ws0.everything', definition: definition() };
