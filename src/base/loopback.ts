import { isIP } from 'node:net';

/** Whether an address, as systems write it (no name, no brackets), is of this machine alone. */
export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}
