/** A TCP port that accepts connections. */
export interface Listener {
  readonly port: number;
  /** As the system writes it: `127.0.0.1`, `::1`; `0.0.0.0` and `::` for all addresses. */
  readonly address: string;
  /** The processes that hold it: several where a parent has passed it to its children. Empty when their open files may not be read. */
  readonly pids: readonly number[];
}

/** The client's end of one established connection of this machine to one of its own ports. */
export interface PortClient {
  readonly port: number;
  readonly pid: number;
}

/** The listeners and the connected clients of some ports, at one moment. */
export interface PortState {
  readonly listeners: readonly Listener[];
  readonly clients: readonly PortClient[];
}

/** Reads the listening ports of a system. Never connects to a port. */
export interface ListenerTable {
  /** For messages: 'proc', 'lsof', 'windows'. */
  readonly source: string;
  /** Reads the state of these ports. Undefined when the system gives no answer. */
  read(ports: ReadonlySet<number>): Promise<PortState | undefined>;
}
