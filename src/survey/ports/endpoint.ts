import type { RawDefinition } from '../../model/definition.ts';
import { isReached, loopbackAddresses } from '../../process/portHolder.ts';

/** Where on this machine a definition's server is reached. */
export interface Endpoint {
  readonly port: number;
  /** `https`: `/health` is not asked there, because its certificate is not known. */
  readonly secure: boolean;
  /** Addresses that the host of the URL may mean. */
  readonly addresses: readonly string[];
}

/** The port of this machine that a definition names. Undefined for remote servers, for local commands, and where the client fills something in. */
export function endpointOf(definition: Pick<RawDefinition, 'transport' | 'url'>): Endpoint | undefined {
  const { url } = definition;
  if (url === undefined || definition.transport === 'stdio' || !URL.canParse(url)) {
    return undefined;
  }
  const { protocol, hostname, port } = new URL(url);
  const secure = protocol === 'https:' || protocol === 'wss:';
  if (!secure && protocol !== 'http:' && protocol !== 'ws:') {
    return undefined;
  }
  const addresses = loopbackAddresses(hostname);
  return addresses && { port: port === '' ? (secure ? 443 : 80) : Number(port), secure, addresses };
}

/** Whether a process that listens at this address is reached there: at that address, or because it listens at all addresses. */
export function reaches(endpoint: Endpoint, address: string): boolean {
  return isReached(endpoint.addresses, address);
}
