/** A TCP port that accepts connections. */
export interface Listener {
  readonly port: number;
  /** As the system has it: `127.0.0.1`, `::1`, `0.0.0.0` and `::` for all. */
  readonly address: string;
  /** Who holds it: several where a parent has passed it to its children. Empty = somebody whose files we may not see. */
  readonly pids: readonly number[];
}

/** One established connection of this machine to one of its own ports: who is at the near end. */
export interface PortClient {
  readonly port: number;
  readonly pid: number;
}

/** Who listens on some ports, and who is connected to them, at one moment. */
export interface PortState {
  readonly listeners: readonly Listener[];
  readonly clients: readonly PortClient[];
}

/** The listening ports of one system behind one interface. It looks, and connects to nothing. */
export interface ListenerTable {
  /** For messages: 'proc', 'lsof', 'windows'. */
  readonly source: string;
  /** Only these ports are told of. Undefined when the system gives no answer. */
  look(ports: ReadonlySet<number>): Promise<PortState | undefined>;
}
