import type { RawDefinition } from '../../model/definition.ts';
import { isReached, loopbackAddresses } from '../../process/portHolder.ts';

/** Where on this machine a definition's server is reached. */
export interface Endpoint {
  readonly port: number;
  /** `https`: nothing can be asked there without knowing its certificate. */
  readonly secure: boolean;
  /** Addresses that the host of the URL may mean. */
  readonly addresses: readonly string[];
}

/** The port of this machine that a definition names. Undefined for servers elsewhere, for local commands, and where the client fills something in. */
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

/** Whether somebody who listens at this address is reached there: its own address, or that of all. */
export function reaches(endpoint: Endpoint, address: string): boolean {
  return isReached(endpoint.addresses, address);
}
