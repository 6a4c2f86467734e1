import type { RawDefinition } from '../../model/definition.ts';
import type { Listener, PortState, ProcessRow } from '../../model/process.ts';
import { topmostHolder } from '../../process/portHolder.ts';
import type { ProcessTree } from '../../process/tree/processTree.ts';
import { type Endpoint, endpointOf, reaches } from './endpoint.ts';

/** A process that holds the port of one or more entries, or held it until recently. */
export interface PortClaim {
  readonly row: ProcessRow;
  readonly port: number;
  /** The loopback address that reaches it. */
  readonly address: '127.0.0.1' | '::1' | string;
  readonly secure: boolean;
  readonly definitions: readonly RawDefinition[];
  /** It still runs and no longer holds the port, and no other process does. */
  readonly closed?: true;
}

/** The port of one entry. */
export interface EntryPort {
  readonly port: number;
  /** `hidden`: a process of another user, or one in another PID namespace. */
  readonly holder: 'nobody' | 'hidden' | 'seen';
}

/** The ports of this machine that entries name. */
export function portsOf(definitions: readonly RawDefinition[]): ReadonlySet<number> {
  return new Set(definitions.flatMap((definition) => endpointOf(definition)?.port ?? []));
}

/** Joins entries with the processes that hold their ports. Pure. */
export function claimPorts(
  definitions: readonly RawDefinition[],
  { listeners }: PortState,
  tree: ProcessTree,
): { readonly claims: readonly PortClaim[]; readonly states: ReadonlyMap<string, EntryPort> } {
  const claims = new Map<string, PortClaim>();
  const states = new Map<string, EntryPort>();
  for (const definition of definitions) {
    const endpoint = endpointOf(definition);
    if (!endpoint) {
      continue;
    }
    const held = listeners.filter((one) => one.port === endpoint.port && reaches(endpoint, one.address));
    const holders = held.flatMap((listener) => {
      const row = topmostHolder(listener, tree);
      return row ? [{ row, address: addressFor(endpoint, listener) }] : [];
    });
    states.set(definition.id, { port: endpoint.port, holder: held.length === 0 ? 'nobody' : holders.length === 0 ? 'hidden' : 'seen' });
    for (const { row, address } of holders) {
      const key = `${row.pid} ${endpoint.port}`;
      const known = claims.get(key);
      const others = known?.definitions ?? [];
      claims.set(key, {
        row,
        port: endpoint.port,
        address: known?.address ?? address,
        secure: endpoint.secure,
        definitions: others.includes(definition) ? others : [...others, definition],
      });
    }
  }
  return { claims: [...claims.values()], states };
}

/** The visible PIDs that listen on a port. */
export function holdersOf({ listeners }: PortState, port: number): ReadonlySet<number> {
  return new Set(listeners.filter((one) => one.port === port).flatMap((one) => one.pids));
}

function addressFor(endpoint: Endpoint, { address }: Listener): string {
  if (address === '0.0.0.0') {
    return '127.0.0.1';
  }
  // A socket for all IPv6 addresses usually accepts IPv4 too; ::1 always works.
  return address === '::' ? (endpoint.addresses.includes('::1') ? '::1' : '127.0.0.1') : address;
}
