import { t } from '../base/language/translate.ts';
import type { Finding } from '../model/finding.ts';

/** The process that holds the port of an entry, as far as it is known. */
export interface HolderEvidence {
  readonly pid: number;
  /** PIDs of itself, its launchers and its children. */
  readonly tree: readonly number[];
  /** The PID that its `/health` names; undefined without such an answer. */
  readonly healthPid?: number;
  /** Its name, its arguments or its launcher say that it is an MCP server. */
  readonly looksLikeServer: boolean;
  /** Its package, or a dependency of it, is made for MCP; undefined when its package is not known. */
  readonly speaksMcp?: boolean;
  /** The program's bare name: `nginx`, `node`, `python3`. */
  readonly program: string;
  /** The module that Python runs (`http.server`). */
  readonly module?: string;
}

/**
 * `server`: it is taken for the entry's server. `forwarder`: it passes connections on to a process that cannot be seen, so nothing is concluded.
 * `stranger`: there is evidence that it is another program.
 */
export type HolderVerdict =
  | { readonly kind: 'server'; readonly confidence: 'proven' | 'likely'; readonly why: string }
  | { readonly kind: 'forwarder' }
  | { readonly kind: 'stranger'; readonly reason: string };

/** Programs that hold a port for another server: in a container, on another machine, behind a proxy. */
const forwarders =
  /^(docker-proxy|rootlesskit|rootlessport|slirp4netns|pasta(\.avx2)?|gvproxy|com\.docker\.backend|wslrelay|wslhost|ssh|sshd|sshd-session|kubectl|socat|nginx|caddy|haproxy|traefik|envoy|cloudflared|ngrok|tailscaled|mitmproxy|mitmdump|systemd|launchd|svchost)$/i;
/** Servers that do not speak MCP. */
const otherServers =
  /^(postgres|postmaster|mysqld|mariadbd|mongod|redis-server|memcached|cupsd|httpd|apache2|named|dnsmasq|smbd|X|Xorg|rapportd|ControlCenter|vite|webpack|webpack-dev-server|next-server|esbuild|jupyter.*|adb|chronyd|ntpd)$/;
/** Modules of Python's own library that listen. */
const otherModules = /^(http\.server|SimpleHTTPServer|pydoc|smtpd|wsgiref\.simple_server|xmlrpc\.server|idlelib.*)$/;

/**
 * Whether the process that holds an entry's port is the entry's server. The entry only has an address, so the process that listens there is taken for the
 * server unless there is evidence against it: usually the user who configured the port knows what listens there.
 */
export function judgeHolder(evidence: HolderEvidence): HolderVerdict {
  if (evidence.healthPid !== undefined && evidence.tree.includes(evidence.healthPid)) {
    return { kind: 'server', confidence: 'proven', why: t('its /health names its own PID') };
  }
  if (forwarders.test(evidence.program)) {
    return { kind: 'forwarder' };
  }
  if (evidence.healthPid !== undefined) {
    return { kind: 'stranger', reason: t('its /health names another process (PID {0})', evidence.healthPid) };
  }
  if (evidence.looksLikeServer || evidence.speaksMcp === true) {
    return { kind: 'server', confidence: 'likely', why: t('its name or its packages say that it is an MCP server') };
  }
  if (otherServers.test(evidence.program) || otherModules.test(evidence.module ?? '')) {
    return { kind: 'stranger', reason: t('it is another kind of server') };
  }
  if (evidence.speaksMcp === false) {
    return { kind: 'stranger', reason: t('neither its package nor a dependency of it is made for MCP') };
  }
  return { kind: 'server', confidence: 'likely', why: t('no evidence against it') };
}

/** The finding on an entry whose port another program holds. Information: that program is never stopped. @param holder `command`: redacted and short */
export function portTakenFinding(
  entry: { readonly name: string; readonly port: number; readonly file: string; readonly line: number },
  holder: { readonly pid: number; readonly command: string; readonly startedAt: number; readonly reason: string },
): Finding {
  return {
    kind: 'port-taken',
    confidence: 'likely',
    message: t('port {0} is held by PID {1} ({2}), which is not this server', entry.port, holder.pid, holder.command),
    evidence: [t('how known: {0}', holder.reason), t('MCP Shepherd never stops it: stop it yourself, or give the entry another port')],
    since: new Date(holder.startedAt).toISOString(),
    actions: [{ kind: 'reveal', file: entry.file, line: entry.line }],
  };
}
