import type { Finding } from '../model/finding.ts';

/** What is known of the process that holds the port of an entry. */
export interface HolderEvidence {
  readonly pid: number;
  /** Its processes: itself, launchers, children. */
  readonly tree: readonly number[];
  /** The PID that `/health` names, when there is such an answer with one. */
  readonly healthPid?: number;
  /** Its name, its arguments or its launcher say that it is an MCP server. */
  readonly looksLikeServer: boolean;
  /** Its package, or what that requires, has to do with MCP; undefined = its package is not known. */
  readonly speaksMcp?: boolean;
  /** The program's bare name: `nginx`, `node`, `python3`. */
  readonly program: string;
  /** The module that a Python runs (`http.server`). */
  readonly module?: string;
}

/**
 * `server`: it is taken for the entry's server. `forwarder`: it passes connections on to somebody out of sight, so nothing is concluded.
 * `stranger`: there is reason to say that it is something else.
 */
export type HolderVerdict =
  | { readonly kind: 'server'; readonly confidence: 'proven' | 'likely'; readonly why: string }
  | { readonly kind: 'forwarder' }
  | { readonly kind: 'stranger'; readonly reason: string };

/** Programs that hold a port for others: in a container, on another machine, behind them. */
const forwarders =
  /^(docker-proxy|rootlesskit|rootlessport|slirp4netns|pasta(\.avx2)?|gvproxy|com\.docker\.backend|wslrelay|wslhost|ssh|sshd|sshd-session|kubectl|socat|nginx|caddy|haproxy|traefik|envoy|cloudflared|ngrok|tailscaled|mitmproxy|mitmdump|systemd|launchd|svchost)$/i;
/** Programs that serve, and no MCP. */
const otherServers =
  /^(postgres|postmaster|mysqld|mariadbd|mongod|redis-server|memcached|cupsd|httpd|apache2|named|dnsmasq|smbd|X|Xorg|rapportd|ControlCenter|vite|webpack|webpack-dev-server|next-server|esbuild|jupyter.*|adb|chronyd|ntpd)$/;
/** Modules of Python's own library that listen. */
const otherModules = /^(http\.server|SimpleHTTPServer|pydoc|smtpd|wsgiref\.simple_server|xmlrpc\.server|idlelib.*)$/;

/**
 * Whether the process that holds an entry's port is the entry's server. The entry only has an address, so whoever holds it is taken for the server
 * unless there is evidence for something else: a person who configured that port knows what listens there, as a rule.
 */
export function judgeHolder(evidence: HolderEvidence): HolderVerdict {
  if (evidence.healthPid !== undefined && evidence.tree.includes(evidence.healthPid)) {
    return { kind: 'server', confidence: 'proven', why: 'its /health names its own PID' };
  }
  if (forwarders.test(evidence.program)) {
    return { kind: 'forwarder' };
  }
  if (evidence.healthPid !== undefined) {
    return { kind: 'stranger', reason: `what answers there says that it is PID ${evidence.healthPid}` };
  }
  if (evidence.looksLikeServer || evidence.speaksMcp === true) {
    return { kind: 'server', confidence: 'likely', why: 'it is an MCP server by its name or by what it requires' };
  }
  if (otherServers.test(evidence.program) || otherModules.test(evidence.module ?? '')) {
    return { kind: 'stranger', reason: 'it is a server for something else' };
  }
  if (evidence.speaksMcp === false) {
    return { kind: 'stranger', reason: 'neither its package nor anything that this requires has to do with MCP' };
  }
  return { kind: 'server', confidence: 'likely', why: 'nothing speaks against it' };
}

/** The finding on an entry whose port a stranger holds. Information: the port is not ours, and its holder is never touched. */
export function portTakenFinding(
  entry: { readonly name: string; readonly port: number; readonly file: string; readonly line: number },
  holder: { readonly pid: number; readonly command: string; readonly startedAt: number; readonly reason: string },
): Finding {
  const command = holder.command.length > 120 ? `${holder.command.slice(0, 119)}…` : holder.command;
  return {
    kind: 'port-taken',
    confidence: 'likely',
    message: `port ${entry.port} is held by PID ${holder.pid} (${command}), which is not this server`,
    evidence: [`how known: ${holder.reason}`, 'it is not touched: end it yourself, or give the entry another port'],
    since: new Date(holder.startedAt).toISOString(),
    actions: [{ kind: 'reveal', file: entry.file, line: entry.line }],
  };
}
