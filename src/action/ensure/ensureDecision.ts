import type { Ecosystem } from '../../model/package.ts';
import type { Instance } from '../../model/snapshot.ts';
import { compareVersions } from '../../version/compareVersions.ts';

/** How a server is started. `{port}` in arguments and values is the port; it also gets the variable `PORT`. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The server that the user wants on a port. */
export interface EnsureRequest {
  readonly name: string;
  readonly port: number;
  /** Default: the version that is installed where the running one was loaded from. */
  readonly version?: string;
  /** The package whose version it is. */
  readonly package?: string;
  /** Undefined: only a server that already runs can be used. */
  readonly launch?: Launch;
  /** PID of a server to be replaced, whatever its version. When another process holds the port now, that has already been done. */
  readonly replace?: number;
  /** The caller only reconnects: a running server is left as it is. */
  readonly passive: boolean;
}

/** Who holds the port now. */
export type PortReading =
  | { readonly kind: 'free' }
  /** Another program, or one that cannot be identified. */
  | { readonly kind: 'external'; readonly pid?: number; readonly command?: string; readonly reason: string }
  | { readonly kind: 'server'; readonly instance: Instance; readonly warnings?: readonly string[] };

export type EnsureStatus = 'reused' | 'started' | 'replaced' | 'newer' | 'older' | 'unknown' | 'foreign' | 'failed' | 'unconfirmed';

/** The result of a request; printed as it is. */
export interface EnsureResult {
  readonly server_status: EnsureStatus;
  readonly name: string;
  readonly port: number;
  readonly pid: number | null;
  readonly version: string | null;
  readonly wanted: string | null;
  /** One sentence for the user. */
  readonly message: string;
  /** The version and process that ran before. */
  readonly previous?: { readonly pid: number; readonly version: string | null };
  /** The effects on the sessions of its clients, a sentence each. */
  readonly warnings?: readonly string[];
  readonly log?: string;
  readonly log_tail?: readonly string[];
}

export type EnsureDecision =
  | { readonly kind: 'start' }
  | { readonly kind: 'replace'; readonly instance: Instance; readonly warnings: readonly string[] }
  | { readonly kind: 'done'; readonly result: EnsureResult };

/** Decides what has to be done; pure. A server is replaced only when its version is known to be older, or when the request names its PID. */
export function decideEnsure(request: EnsureRequest, reading: PortReading): EnsureDecision {
  const { name, port } = request;
  const base = { name, port, wanted: request.version ?? null };
  if (reading.kind === 'free') {
    return { kind: 'start' };
  }
  if (reading.kind === 'external') {
    const who =
      reading.pid === undefined
        ? 'a process that cannot be identified'
        : `PID ${reading.pid}${reading.command ? ` (${reading.command})` : ''}`;
    const message = `port ${port} is held by ${who}, which does not seem to be ${name}: ${reading.reason}. It was left alone.`;
    return done({ server_status: 'foreign', ...base, pid: reading.pid ?? null, version: null, message });
  }
  const { instance } = reading;
  const running = runningVersion(instance);
  const wanted = request.version ?? instance.package?.installed ?? null;
  const known = { ...base, wanted, pid: instance.pid };
  const holder = `${name} runs as PID ${instance.pid} on port ${port}`;
  const found = instance.package?.name;
  if (request.package !== undefined && found !== undefined && found !== request.package) {
    const message = `port ${port} is held by PID ${instance.pid}, which runs the package ${found} and not ${request.package}. It was left alone.`;
    return done({ server_status: 'foreign', ...known, version: running.version ?? null, message });
  }
  if (request.replace !== undefined && instance.tree.includes(request.replace) && !request.passive) {
    return { kind: 'replace', instance, warnings: reading.warnings ?? [] };
  }
  if (running.version === undefined) {
    const message = `${holder} (${shortCommand(instance)}), but its version is unknown: ${running.reason}. It was left alone.`;
    return done({ server_status: 'unknown', ...known, version: null, message });
  }
  const { version } = running;
  const order = wanted === null ? 0 : compare(instance.package?.ecosystem, version, wanted);
  switch (order) {
    case 0:
      return done({ server_status: 'reused', ...known, version, message: `${holder}, version ${version}: reused` });
    case 1:
      return done({
        server_status: 'newer',
        ...known,
        version,
        message: `${holder}, version ${version}, which is newer than ${wanted}. It was left alone: use it, or request its version.`,
      });
    case 'unknown':
      return done({
        server_status: 'unknown',
        ...known,
        version,
        message: `${holder}, version ${version}, which cannot be compared with ${wanted}. It was left alone.`,
      });
    default:
      if (found === undefined && request.launch && !isStartedBy(instance.command, request.launch)) {
        const message = `port ${port} is held by PID ${instance.pid} (${shortCommand(instance)}), which reports version ${version}. It may not be ${name}, which is started by another command (${[request.launch.command, ...request.launch.args].join(' ').slice(0, 120)}). It was left alone.`;
        return done({ server_status: 'foreign', ...known, version, message });
      }
      return request.passive
        ? done({
            server_status: 'older',
            ...known,
            version,
            message: `${holder}, version ${version}, which is older than ${wanted}. It was left alone, as --passive asks.`,
          })
        : { kind: 'replace', instance, warnings: reading.warnings ?? [] };
  }
}

/**
 * Whether a running command may come from this launch: both name the same script, module or program (not just an interpreter, an option or a number).
 * The server's own report is no evidence for this.
 */
function isStartedBy(running: string, { command, args }: Launch): boolean {
  const names = args.filter((word) => !word.startsWith('-') && !/^[\d.:]*$|\{port\}/.test(word)).map(lastName);
  const words = new Set(running.split(/\s+/).map(lastName));
  return (names.length > 0 ? names : [lastName(command)]).some((name) => words.has(name));
}

/** The last part of a path, without `.exe` or `.cmd`. */
function lastName(word: string): string {
  return (word.split(/[\\/]/).at(-1) ?? '').replace(/\.(?:exe|cmd)$/i, '');
}

function shortCommand({ command }: Instance): string {
  return command.length > 120 ? `${command.slice(0, 119)}…` : command;
}

/** The running version, where the package that was found and the server's own `/health` do not contradict each other. */
export function runningVersion(
  instance: Instance,
): { readonly version: string } | { readonly version?: undefined; readonly reason: string } {
  const found = instance.package?.running ?? undefined;
  const reported = usable(instance.listens?.health?.version);
  if (found !== undefined && reported !== undefined && compare(instance.package?.ecosystem, found, reported) !== 0) {
    return { reason: `its package says ${found} and its /health says ${reported}` };
  }
  const version = found ?? reported;
  return version === undefined ? { reason: instance.unknown ?? 'neither its files nor a /health with its PID tell it' } : { version };
}

function usable(version: string | undefined): string | undefined {
  return version !== undefined && /^v?\d/.test(version) ? version.replace(/^v/, '') : undefined;
}

/** Compares by the rules of the ecosystem; where it is unknown, by npm's rules, else by Python's. */
function compare(ecosystem: Ecosystem | undefined, a: string, b: string): -1 | 0 | 1 | 'unknown' {
  if (ecosystem !== undefined) {
    return compareVersions(ecosystem, a, b);
  }
  const order = compareVersions('npm', a, b);
  return order === 'unknown' ? compareVersions('python', a, b) : order;
}

function done(result: EnsureResult): EnsureDecision {
  return { kind: 'done', result };
}
