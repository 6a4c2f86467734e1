import { eitherCase, type SettingsSource } from './settingsSource.ts';

/** Proxies in a package manager's configuration; they take precedence over the environment variables. */
export interface ProxySettings {
  readonly http?: string;
  readonly https?: string;
  readonly none?: string;
}

/**
 * The proxy for an address: the package manager's own setting, else `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` (either case), unless `NO_PROXY`
 * names the host. Undefined = no proxy. A value that is not an address is ignored.
 */
export function proxyFor(target: URL, env: SettingsSource['env'], own: ProxySettings = {}): URL | undefined {
  if (isExcepted(target, own.none ?? eitherCase(env, 'no_proxy') ?? '')) {
    return undefined;
  }
  const secure = target.protocol === 'https:';
  const general = eitherCase(env, 'all_proxy');
  const written = secure
    ? (own.https ?? own.http ?? eitherCase(env, 'https_proxy') ?? general)
    : (own.http ?? eitherCase(env, 'http_proxy') ?? general);
  if (written === undefined || written === '') {
    return undefined;
  }
  try {
    return new URL(written.includes('://') ? written : `http://${written}`);
  } catch {
    return undefined;
  }
}

/** curl's rules, which npm and pip follow: a name with its subdomains, with or without a leading dot, an optional port, `*` for all. */
function isExcepted(target: URL, list: string): boolean {
  const host = target.hostname.toLowerCase().replace(/^\[|\]$/g, '');
  const port = target.port || (target.protocol === 'https:' ? '443' : '80');
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') {
        return true;
      }
      const [, bracketed, plain, wanted] =
        /^(?:\[([^\]]*)\]|(.*?))(?::(\d+))?$/.exec(entry.includes('::') && !entry.startsWith('[') ? `[${entry}]` : entry) ?? [];
      const name = (bracketed ?? plain ?? '').replace(/^\*?\./, '');
      return name !== '' && (wanted === undefined || wanted === port) && (host === name || host.endsWith(`.${name}`));
    });
}
