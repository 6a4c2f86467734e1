import { isIP } from 'node:net';

/** Whether an address reaches this machine only. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  const mapped = /^::ffff:(.+)$/.exec(bare)?.[1] ?? bare;
  return mapped === 'localhost' || mapped === '::1' || (isIP(mapped) === 4 && mapped.startsWith('127.'));
}

/** Who may talk to the proxy. */
export interface AllowedNames {
  /** Beside loopback names: `name` or `name:port`, lower case. */
  readonly hosts: readonly string[];
  /** Beside origins on loopback: `https://app.example`. */
  readonly origins: readonly string[];
}

/**
 * The DNS-rebinding check: a page of a foreign site that had its name point at 127.0.0.1 still sends its own name as Host and Origin.
 * @returns why the request is refused, or undefined
 */
export function strangerReason(host: string | undefined, origin: string | undefined, allowed: AllowedNames): string | undefined {
  const name = hostName(host);
  if (host === undefined || name === undefined) {
    return 'The request names no host.';
  }
  if (!isLoopback(name) && !allowed.hosts.includes(host.toLowerCase()) && !allowed.hosts.includes(name)) {
    return 'This Host is not allowed here (DNS rebinding protection); --allow-host NAME allows it.';
  }
  if (origin !== undefined && !isLocalOrigin(origin) && !allowed.origins.includes(origin.toLowerCase())) {
    return 'This Origin is not allowed here (DNS rebinding protection); --allow-origin ORIGIN allows it.';
  }
  return undefined;
}

/** Without the port; brackets of IPv6 taken off. */
function hostName(host: string | undefined): string | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[^:/?#@\s]+)(?::\d{1,5})?$/i.exec(host ?? '');
  return match?.[1]?.replace(/^\[|\]$/g, '').toLowerCase();
}

function isLocalOrigin(origin: string): boolean {
  const match = /^(?:https?):\/\/(\[[0-9a-f:.]+\]|[^:/?#@\s]+)(?::\d{1,5})?$/i.exec(origin);
  return match?.[1] !== undefined && isLoopback(match[1]);
}
