import { isLoopbackAddress } from '../../base/loopback.ts';

/** Whether an address is reachable from this machine only. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  const mapped = /^::ffff:(.+)$/.exec(bare)?.[1] ?? bare;
  return mapped === 'localhost' || isLoopbackAddress(mapped);
}

/** Names and origins that requests may have beside those of this machine. */
export interface AllowedNames {
  /** Beside loopback names: `name` or `name:port`, lower case. */
  readonly hosts: readonly string[];
  /** Beside origins on loopback: `https://app.example`. */
  readonly origins: readonly string[];
}

/**
 * The check against DNS rebinding: a web page whose name was made to resolve to 127.0.0.1 still sends that name as Host and Origin.
 * @returns why the request is refused; undefined when it is allowed
 */
export function hostRefusal(host: string | undefined, origin: string | undefined, allowed: AllowedNames): string | undefined {
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

/** Without port and IPv6 brackets. */
function hostName(host: string | undefined): string | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[^:/?#@\s]+)(?::\d{1,5})?$/i.exec(host ?? '');
  return match?.[1]?.replace(/^\[|\]$/g, '').toLowerCase();
}

function isLocalOrigin(origin: string): boolean {
  const match = /^(?:https?):\/\/(\[[0-9a-f:.]+\]|[^:/?#@\s]+)(?::\d{1,5})?$/i.exec(origin);
  return match?.[1] !== undefined && isLoopback(match[1]);
}
