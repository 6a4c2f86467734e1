import {
  choice,
  flag,
  InvalidValue,
  matching,
  nameList,
  type OptionTable,
  option,
  seconds,
  type ValueKind,
  wholeNumber,
} from '../../base/optionTable.ts';
import { type StaleMode, staleModeNames } from '../../model/staleMode.ts';
import { loopbackAddresses } from '../../process/portHolder.ts';
import { isLoopback } from './allowedHosts.ts';
import {
  contradiction,
  type HttpOnConflict,
  httpConflictModes,
  type LockOption,
  maxSeconds,
  type ParsedOptions,
  readGuardWords,
  sharedOptions,
} from './sharedOptions.ts';

/** Without `auto`: the guard does not see what the sessions of all clients could lose. */
export const httpStaleModes: readonly StaleMode[] = staleModeNames.filter((mode) => mode !== 'auto');

/** Everything before `--`, and the server's command after it. */
export interface HttpGuardOptions {
  readonly listen: Listen;
  /** Where the server listens; undefined when it is started on a port that the guard chooses. */
  readonly upstream: URL | undefined;
  readonly command: string | undefined;
  /** `{port}` in them stands for the port. */
  readonly args: readonly string[];
  readonly portEnv: string | undefined;
  readonly unknownSession: 'recover' | '404';
  readonly onStale: StaleMode;
  readonly overlap: boolean;
  /** A name for `mcp-shepherd ensure`, which starts the server behind `upstream`. */
  readonly ensure: string | undefined;
  /** The version that `/health` reports where no package tells one. */
  readonly serverVersion: string | undefined;
  readonly writeTools: readonly string[];
  readonly readTools: readonly string[];
  readonly locks: readonly LockOption[];
  readonly onConflict: HttpOnConflict;
  /** How long a request waits for a server that accepts no connections, ms. */
  readonly waitMs: number;
  /** How long a restart or the end waits for the calls in flight, ms. */
  readonly drainMs: number;
  /** How long the server may take to end, ms. */
  readonly graceMs: number;
  /** How long a client may take to send a body of any size, ms. */
  readonly bodyMs: number;
  readonly maxSessions: number;
  readonly sessionIdleMs: number;
  /** Lower case. */
  readonly allowHosts: readonly string[];
  /** Lower case. */
  readonly allowOrigins: readonly string[];
  readonly runDir: string | undefined;
  readonly name: string | undefined;
}

interface Listen {
  readonly host: string;
  readonly port: number;
}

const limits = { max: maxSeconds };

const listenAddress: ValueKind<Listen | undefined> = {
  initial: undefined,
  read(value) {
    const [, host = '127.0.0.1', port = ''] = /^(?:(\[[0-9a-fA-F:.]+\]|[^:\s]+):)?(\d{1,5})$/.exec(value) ?? [];
    return port !== '' && Number(port) <= 65_535
      ? { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
      : new InvalidValue(`must be PORT or HOST:PORT, not "${value}"`);
  },
};

const upstreamUrl: ValueKind<URL | undefined> = {
  initial: undefined,
  read(value) {
    if (!URL.canParse(value)) {
      return new InvalidValue('must be an address like http://127.0.0.1:8700');
    }
    const url = new URL(value);
    // The address itself is not repeated: it may hold a password.
    if (url.username !== '' || url.password !== '') {
      return new InvalidValue('must not hold a user name or password: the client has to send its own credential');
    }
    return url.protocol === 'http:' || url.protocol === 'https:' ? url : new InvalidValue('must begin with http:// or https://');
  },
};

/** Host names and origins are compared in lower case. */
const lowerCaseList: ValueKind<readonly string[]> = { ...nameList, read: (value, before) => nameList.read(value.toLowerCase(), before) };

export const httpOptionTable = {
  http: flag(undefined),
  listen: option('[HOST:]PORT', listenAddress, 'where clients connect; HOST is 127.0.0.1 when it is not given'),
  upstream: option('URL', upstreamUrl, 'where the server listens; paths are passed on as they are'),
  'port-env': option(
    'NAME',
    matching(/^[A-Za-z_]\w*$/, 'the name of an environment variable'),
    'the started server reads its port from this variable; or write {port} into its arguments',
  ),
  'unknown-session': option(
    'MODE',
    choice(['recover', '404'], 'recover'),
    'a session that this guard did not issue is set up again for its credential, or answered with 404',
  ),
  ...sharedOptions,
  'on-conflict': { ...sharedOptions['on-conflict'], kind: httpConflictModes },
  'on-stale': { ...sharedOptions['on-stale'], kind: choice<StaleMode, StaleMode>(httpStaleModes, 'refuse-writes') },
  ensure: option(
    'NAME',
    matching(/^[^\p{Cc}-]\P{Cc}{0,199}$/u, 'the name of a server in mcp-shepherd.json'),
    'a server behind --upstream is restarted as by "mcp-shepherd ensure NAME", with mcp-shepherd.json of this folder',
  ),
  'server-version': option(
    'VERSION',
    matching(/^v?\d[\w.+-]{0,63}$/, 'a version like 1.2.3'),
    'reported by /health where no package tells a version',
  ),
  wait: option('SECONDS', seconds(limits, 30), 'how long a request waits for a server that accepts no connections'),
  'body-timeout': option(
    'SECONDS',
    seconds({ ...limits, above0: true }, 30),
    'time for the body of a request; after it at least 1 kB must come each second',
  ),
  'max-sessions': option('N', wholeNumber(1, 999_999, 1_000), 'sessions that are remembered'),
  'session-idle': option('SECONDS', seconds(limits, 86_400), 'an idle session is forgotten after this time'),
  'allow-host': option('A,B', lowerCaseList, 'names beside localhost by which clients may reach the guard'),
  'allow-origin': option('A,B', lowerCaseList, 'origins of web pages that may send requests, beside those on this machine'),
} as const satisfies OptionTable;

/** Reads the words after `mcp-shepherd guard`. Never throws. */
export function parseHttpOptions(words: readonly string[]): ParsedOptions<HttpGuardOptions> {
  const read = readGuardWords(words, httpOptionTable);
  if (read.status !== 'read') {
    return read;
  }
  const { values, command, args } = read;
  const { listen } = values;
  if (listen === undefined) {
    return contradiction('--http needs --listen PORT, where clients connect');
  }
  const options: HttpGuardOptions = {
    listen,
    upstream: values.upstream,
    command,
    args,
    portEnv: values['port-env'],
    unknownSession: values['unknown-session'],
    onStale: values['on-stale'],
    overlap: values.overlap,
    ensure: values.ensure,
    serverVersion: values['server-version'],
    writeTools: values['write-tools'],
    readTools: values['read-tools'],
    locks: values.lock,
    onConflict: values['on-conflict'],
    waitMs: values.wait,
    drainMs: values.drain,
    graceMs: values.grace,
    bodyMs: values['body-timeout'],
    maxSessions: values['max-sessions'],
    sessionIdleMs: values['session-idle'],
    allowHosts: values['allow-host'],
    allowOrigins: values['allow-origin'],
    runDir: values['run-dir'],
    name: values.name,
  };
  const reason = whyContradictory(options);
  return reason === undefined ? { status: 'run', options } : contradiction(reason);
}

/** Why options that are right one by one do not go together. */
function whyContradictory(options: HttpGuardOptions): string | undefined {
  const { listen, upstream, command, args, portEnv, allowHosts, overlap, ensure, serverVersion } = options;
  if (!isLoopback(listen.host) && allowHosts.length === 0) {
    return `--listen ${listen.host} opens the server to other machines: name it with --allow-host NAME`;
  }
  if (upstream && isLoopback(listen.host) && isLoopback(upstream.hostname) && listen.port === Number(upstream.port || 80)) {
    return `--listen and --upstream are the same port ${listen.port}: the guard would talk to itself`;
  }
  if (ensure !== undefined && (command !== undefined || upstream === undefined || !loopbackAddresses(upstream.hostname))) {
    return '--ensure is for a server on this machine that this guard does not start: it needs --upstream, and no command after --';
  }
  if (serverVersion !== undefined && command === undefined) {
    return '--server-version is for a server that this guard starts: the server behind --upstream may change at any time';
  }
  const choosesPort = portEnv !== undefined || args.some((arg) => arg.includes('{port}'));
  if (command === undefined) {
    return upstream
      ? choosesPort
        ? '--port-env needs a command after --'
        : undefined
      : '--http needs --upstream URL or a command after --';
  }
  if (upstream && choosesPort) {
    return 'the server listens at --upstream, or on the port that it is given by {port} or --port-env; not both';
  }
  if (!upstream && !choosesPort) {
    return 'the server has to know its port: write {port} into its arguments, name a variable with --port-env, or give its address with --upstream';
  }
  return overlap && upstream ? '--overlap needs a second port: use {port} or --port-env instead of --upstream' : undefined;
}
