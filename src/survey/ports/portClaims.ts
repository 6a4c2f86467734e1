import type { RawDefinition } from '../../model/definition.ts';
import type { ProcessRow } from '../../model/process.ts';
import type { Listener, PortState } from '../../process/listenerTable.ts';
import { topmostHolder } from '../../process/portHolder.ts';
import type { ProcessTree } from '../../process/tree/processTree.ts';
import { type Endpoint, endpointOf, reaches } from './endpoint.ts';

/** A process that holds the port of one or more entries, or held it until a moment ago. */
export interface PortClaim {
  readonly row: ProcessRow;
  readonly port: number;
  /** A loopback address at which it is reached. */
  readonly address: '127.0.0.1' | '::1' | string;
  readonly secure: boolean;
  readonly definitions: readonly RawDefinition[];
  /** It runs and holds the port no more, and nobody else does. */
  readonly closed?: true;
}

/** What is known of the port of one entry. */
export interface EntryPort {
  readonly port: number;
  /** `hidden`: somebody whose files we may not see, or who runs where we do not see processes. */
  readonly holder: 'nobody' | 'hidden' | 'seen';
}

/** The ports of this machine that entries name. */
export function portsOf(definitions: readonly RawDefinition[]): ReadonlySet<number> {
  return new Set(definitions.flatMap((definition) => endpointOf(definition)?.port ?? []));
}

/** Joins entries with the processes that hold their ports. Pure. */
export function claimPorts(
  definitions: readonly RawDefinition[],
  look: PortState,
  tree: ProcessTree,
): { readonly claims: readonly PortClaim[]; readonly states: ReadonlyMap<string, EntryPort> } {
  const claims = new Map<string, PortClaim>();
  const states = new Map<string, EntryPort>();
  for (const definition of definitions) {
    const endpoint = endpointOf(definition);
    if (!endpoint) {
      continue;
    }
    const held = look.listeners.filter((one) => one.port === endpoint.port && reaches(endpoint, one.address));
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

/** The PIDs that have each port open, as far as they are seen. */
export function holdersOf(look: PortState, port: number): ReadonlySet<number> {
  return new Set(look.listeners.filter((one) => one.port === port).flatMap((one) => one.pids));
}

function addressFor(endpoint: Endpoint, { address }: Listener): string {
  if (address === '0.0.0.0') {
    return '127.0.0.1';
  }
  // A socket for all IPv6 addresses takes IPv4 too, unless it was told not to: then ::1 is the one that is sure.
  return address === '::' ? (endpoint.addresses.includes('::1') ? '::1' : '127.0.0.1') : address;
}
