import { isIP } from 'node:net';

/** Whether an IP address is a loopback address. @param address without brackets, as the system writes it; host names are not accepted */
export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}
