import { createConnection, type Socket } from 'node:net';
import {
  type ControlHandlers,
  type ControlServer,
  type ControlServerOptions,
  openControlServer,
} from '../../../../src/lock/control/controlServer.ts';
import { newInstanceId } from '../../../../src/lock/instanceRecord.ts';
import { LockHome } from '../lockHome.ts';

/** What the tests ask an instance with. */
export interface Named {
  readonly id: string;
  readonly control: ControlServer['endpoint'];
  readonly server?: { readonly pid: number; readonly start: string };
}

/** A run folder for one test, with control endpoints. */
export class ControlHome extends LockHome {
  readonly #servers: ControlServer[] = [];
  readonly #sockets: Socket[] = [];
  /** Problems that the endpoints reported. */
  readonly problems: string[] = [];

  async open(
    handlers: Partial<ControlHandlers> = {},
    options: Partial<ControlServerOptions> = {},
  ): Promise<Named & { readonly end: () => Promise<void> }> {
    const id = newInstanceId();
    const nothing = (): Record<string, never> => ({});
    const server = await openControlServer({
      directory: this.directory,
      instance: id,
      handlers: { status: nothing, restart: nothing, stop: nothing, ...handlers },
      server: () => undefined,
      onProblem: (problem) => this.problems.push(problem),
      // Generous, so that a client on a busy machine is not too slow.
      handshakeMs: 20_000,
      ...options,
    });
    this.#servers.push(server);
    return { id, control: server.endpoint, end: () => server.close() };
  }

  /** A connection of its own, byte by byte. */
  raw(path: string): RawConnection {
    const socket = createConnection({ path });
    this.#sockets.push(socket);
    return new RawConnection(socket);
  }

  override async clean(): Promise<void> {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    await Promise.all(this.#servers.map((server) => server.close()));
    await super.clean();
  }
}

/** Lines as they come, and the end. */
export class RawConnection {
  readonly socket: Socket;
  readonly lines: string[] = [];
  closed = false;
  #rest = '';
  #wake: (() => void)[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      const parts = (this.#rest + text).split('\n');
      this.#rest = parts.pop() ?? '';
      this.lines.push(...parts);
      this.#stir();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      this.#stir();
    });
  }

  send(value: unknown): void {
    this.socket.write(typeof value === 'string' ? value : `${JSON.stringify(value)}\n`);
  }

  /** The line of this number, or 'closed' when no more lines come. */
  async line(number: number): Promise<string> {
    while (this.lines.length <= number && !this.closed) {
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
    return this.lines[number] ?? 'closed';
  }

  async end(): Promise<void> {
    while (!this.closed) {
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  #stir(): void {
    for (const wake of this.#wake.splice(0)) {
      wake();
    }
  }
}
