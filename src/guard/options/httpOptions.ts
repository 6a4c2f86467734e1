import { isAbsolute } from 'node:path';
import { defaultStaleMode, type StaleMode, staleModeNames } from '../../model/staleMode.ts';
import { loopbackAddresses } from '../../process/portHolder.ts';
import { isLoopback } from './allowedHosts.ts';

/** Everything that stands before `--`, and the server's command after it. */
export interface HttpGuardOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** Where the server listens; undefined when it is started on a port of our choice. */
  readonly upstream: URL | undefined;
  readonly command: string | undefined;
  /** `{port}` in them stands for the port. */
  readonly args: readonly string[];
  readonly portEnv: string | undefined;
  readonly unknownSession: 'recover' | '404';
  readonly onStale: StaleMode;
  readonly overlap: boolean;
  /** Who knows how the server behind `upstream` is started again: a name for `mcp-shepherd ensure`. */
  readonly ensure: string | undefined;
  /** What `/health` says where no package tells a version. */
  readonly serverVersion: string | undefined;
  readonly writeTools: readonly string[];
  readonly readTools: readonly string[];
  readonly locks: readonly { readonly kind: 'path' | 'port' | 'name'; readonly resource: string }[];
  readonly onConflict: { readonly mode: 'refuse' | 'warn' } | { readonly mode: 'wait'; readonly limitMs: number };
  /** How long a request waits for a server that accepts no connections, ms. */
  readonly waitMs: number;
  /** How long a restart or the end waits for the calls that are under way, ms. */
  readonly drainMs: number;
  /** How long the server may take to end, ms. */
  readonly graceMs: number;
  /** How long a client may take to send a body of any size, ms. */
  readonly bodyMs: number;
  readonly maxSessions: number;
  readonly sessionIdleMs: number;
  readonly allowHosts: readonly string[];
  readonly allowOrigins: readonly string[];
  readonly runDir: string | undefined;
  readonly name: string | undefined;
}

export type ParsedHttpOptions =
  | { readonly status: 'run'; readonly options: HttpGuardOptions }
  | { readonly status: 'help' }
  | { readonly status: 'wrong'; readonly message: string };

const defaults: HttpGuardOptions = {
  listen: { host: '127.0.0.1', port: -1 },
  upstream: undefined,
  command: undefined,
  args: [],
  portEnv: undefined,
  unknownSession: 'recover',
  onStale: defaultStaleMode,
  overlap: false,
  ensure: undefined,
  serverVersion: undefined,
  writeTools: [],
  readTools: [],
  locks: [],
  onConflict: { mode: 'refuse' },
  waitMs: 30_000,
  drainMs: 30_000,
  graceMs: 10_000,
  bodyMs: 30_000,
  maxSessions: 1_000,
  sessionIdleMs: 86_400_000,
  allowHosts: [],
  allowOrigins: [],
  runDir: undefined,
  name: undefined,
};

/** What an option changes, or what is wrong with its value. */
type Setting = (value: string, before: HttpGuardOptions) => Partial<HttpGuardOptions> | string;

const settings: ReadonlyMap<string, Setting> = new Map<string, Setting>([
  ['--listen', listenOn],
  ['--upstream', upstreamAt],
  ['--port-env', (portEnv) => (/^[A-Za-z_]\w*$/.test(portEnv) ? { portEnv } : `is the name of a variable, and not "${portEnv}"`)],
  [
    '--unknown-session',
    (value) => (value === 'recover' || value === '404' ? { unknownSession: value } : `is recover or 404, and not "${value}"`),
  ],
  ['--on-stale', staleMode],
  ['--ensure', (ensure) => (/^[^\p{Cc}-]\P{Cc}{0,199}$/u.test(ensure) ? { ensure } : 'is the name of a server in mcp-shepherd.json')],
  [
    '--server-version',
    (serverVersion) =>
      /^v?\d[\w.+-]{0,63}$/.test(serverVersion) ? { serverVersion } : `is a version like 1.2.3, and not "${serverVersion}"`,
  ],
  ['--write-tools', (value, { writeTools }) => ({ writeTools: [...writeTools, ...words(value)] })],
  ['--read-tools', (value, { readTools }) => ({ readTools: [...readTools, ...words(value)] })],
  ['--lock', lockOn],
  ['--on-conflict', conflictMode],
  ['--wait', (value) => seconds(value, (waitMs) => ({ waitMs }))],
  ['--drain', (value) => seconds(value, (drainMs) => ({ drainMs }))],
  ['--grace', (value) => seconds(value, (graceMs) => ({ graceMs }))],
  ['--body-timeout', (value) => (Number(value) === 0 ? 'is longer than 0' : seconds(value, (bodyMs) => ({ bodyMs })))],
  [
    '--max-sessions',
    (value) => (/^[1-9]\d{0,5}$/.test(value) ? { maxSessions: Number(value) } : `is a number from 1 to 999999, and not "${value}"`),
  ],
  ['--session-idle', (value) => seconds(value, (sessionIdleMs) => ({ sessionIdleMs }))],
  ['--allow-host', (value, { allowHosts }) => ({ allowHosts: [...allowHosts, ...words(value.toLowerCase())] })],
  ['--allow-origin', (value, { allowOrigins }) => ({ allowOrigins: [...allowOrigins, ...words(value.toLowerCase())] })],
  ['--run-dir', (value) => (isAbsolute(value) ? { runDir: value } : `must be an absolute path, and is "${value}"`)],
  ['--name', (name) => (/^\P{Cc}{1,200}$/u.test(name) ? { name } : 'is at most 200 letters, without control characters')],
]);

/** The options as the help lists them. */
export const httpOptionNames: readonly string[] = [...settings.keys(), '--overlap'];

/** Reads the words after `mcp-shepherd guard`. Everything after `--` belongs to the server and is not looked at. Never throws. */
export function parseHttpOptions(argv: readonly string[]): ParsedHttpOptions {
  const end = argv.indexOf('--');
  const own = (end === -1 ? argv : argv.slice(0, end)).filter((word) => word !== '--http');
  const [command, ...args] = end === -1 ? [] : argv.slice(end + 1);
  if (own.includes('--help') || own.includes('-h')) {
    return { status: 'help' };
  }
  let options: HttpGuardOptions = { ...defaults, command, args };
  const rest = [...own];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const [, name = word, , written] = /^(--[^=]*)(=([\s\S]*))?$/.exec(word) ?? [];
    const change = name === '--overlap' && written === undefined ? { overlap: true } : changeOf(name, written, rest, options);
    if (typeof change === 'string') {
      return { status: 'wrong', message: change };
    }
    options = { ...options, ...change };
  }
  const message = contradiction(options);
  return message === undefined ? { status: 'run', options } : { status: 'wrong', message };
}

function changeOf(name: string, written: string | undefined, rest: string[], before: HttpGuardOptions): Partial<HttpGuardOptions> | string {
  const setting = settings.get(name);
  if (!setting) {
    return name === '--overlap'
      ? '--overlap takes no value'
      : name.startsWith('-')
        ? `there is no option ${name} with --http`
        : `"${name}" stands before --, and is no option`;
  }
  const value = written ?? rest.shift();
  if (value === undefined || value === '') {
    return `${name} needs a value`;
  }
  const change = setting(value, before);
  return typeof change === 'string' ? `${name} ${change}` : change;
}

function contradiction({
  listen,
  upstream,
  command,
  args,
  portEnv,
  allowHosts,
  overlap,
  ensure,
  serverVersion,
}: HttpGuardOptions): string | undefined {
  if (listen.port < 0) {
    return '--http needs --listen PORT, where clients connect';
  }
  if (!isLoopback(listen.host) && allowHosts.length === 0) {
    return `--listen ${listen.host} opens the server to other machines: say under which names with --allow-host NAME`;
  }
  if (upstream && isLoopback(listen.host) && isLoopback(upstream.hostname) && listen.port === Number(upstream.port || 80)) {
    return `--listen and --upstream are the same port ${listen.port}: the guard would talk to itself`;
  }
  if (ensure !== undefined && (command !== undefined || upstream === undefined || !loopbackAddresses(upstream.hostname))) {
    return '--ensure is for a server on this machine that somebody else starts: it needs --upstream, and no command after --';
  }
  if (serverVersion !== undefined && command === undefined) {
    return '--server-version is for a server that this guard starts: behind --upstream another one may come at any time';
  }
  const chosen = portEnv !== undefined || args.some((arg) => arg.includes('{port}'));
  if (command === undefined) {
    return upstream ? (chosen ? '--port-env needs a command after --' : undefined) : '--http needs --upstream URL or a command after --';
  }
  if (upstream && chosen) {
    return 'the server listens at --upstream, or on the port that it is given by {port} or --port-env; not both';
  }
  if (!upstream && !chosen) {
    return 'the server has to learn its port: write {port} into its arguments, or name a variable with --port-env, or say with --upstream where it listens';
  }
  return overlap && upstream ? '--overlap needs a second port: use {port} or --port-env instead of --upstream' : undefined;
}

function listenOn(value: string): Partial<HttpGuardOptions> | string {
  const [, host = '127.0.0.1', port = ''] = /^(?:(\[[0-9a-fA-F:.]+\]|[^:\s]+):)?(\d{1,5})$/.exec(value) ?? [];
  return port !== '' && Number(port) <= 65_535
    ? { listen: { host: host.replace(/^\[|\]$/g, ''), port: Number(port) } }
    : `is PORT or HOST:PORT, and not "${value}"`;
}

function upstreamAt(value: string): Partial<HttpGuardOptions> | string {
  if (!URL.canParse(value)) {
    return 'is no address: http://127.0.0.1:8700';
  }
  const upstream = new URL(value);
  // The address itself is not repeated: it may hold a password.
  if (upstream.username !== '' || upstream.password !== '') {
    return 'holds a user name or password: the client has to send its own credential';
  }
  return upstream.protocol === 'http:' || upstream.protocol === 'https:' ? { upstream } : 'must begin with http:// or https://';
}

function staleMode(value: string): Partial<HttpGuardOptions> | string {
  const mode = staleModeNames.find((one) => one === value);
  return mode === undefined ? `is one of ${staleModeNames.join(', ')}, and not "${value}"` : { onStale: mode };
}

function lockOn(value: string, { locks }: HttpGuardOptions): Partial<HttpGuardOptions> | string {
  const [, kind, resource = ''] = /^(path|port|name):(.+)$/s.exec(value) ?? [];
  return kind === 'path' || kind === 'port' || kind === 'name'
    ? { locks: [...locks, { kind, resource }] }
    : `is path:FOLDER, port:NUMBER or name:NAME, and not "${value}"`;
}

function conflictMode(value: string): Partial<HttpGuardOptions> | string {
  const [mode = '', detail] = value.split('=', 2);
  if (mode === 'wait') {
    return seconds(detail ?? '60', (limitMs) => ({ onConflict: { mode, limitMs } }));
  }
  return (mode === 'refuse' || mode === 'warn') && detail === undefined
    ? { onConflict: { mode } }
    : `is refuse, wait, wait=SECONDS or warn with --http, and not "${value}"`;
}

/** 20 days: timers end at 24. */
const maxSeconds = 1_728_000;

function seconds(value: string, change: (ms: number) => Partial<HttpGuardOptions>): Partial<HttpGuardOptions> | string {
  const number = /^\d+(?:\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
  return number <= maxSeconds ? change(Math.round(number * 1_000)) : `is a number of seconds up to ${maxSeconds}, and not "${value}"`;
}

function words(value: string): string[] {
  return value
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}
