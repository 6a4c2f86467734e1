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

/** What the user wants to be true. */
export interface EnsureWish {
  readonly name: string;
  readonly port: number;
  /** Default: the version that is installed where the running one was loaded from. */
  readonly version?: string;
  /** The package that the version is of. */
  readonly package?: string;
  /** Undefined: only what runs already can be used. */
  readonly launch?: Launch;
  /** PID of a server that the caller wants restarted, whatever its version; where another process holds the port by now, that has been done. */
  readonly replace?: number;
  /** The caller only connects again: whatever runs is left as it is. */
  readonly passive: boolean;
}

/** Who holds the port now. */
export type PortSight =
  | { readonly kind: 'free' }
  /** Nothing of ours, or nothing that can be told. */
  | { readonly kind: 'foreign'; readonly pid?: number; readonly command?: string; readonly reason: string }
  | { readonly kind: 'server'; readonly instance: Instance; readonly warnings?: readonly string[] };

export type EnsureStatus = 'reused' | 'started' | 'replaced' | 'newer' | 'older' | 'unknown' | 'foreign' | 'failed';

/** What became of the wish; printed as it is. */
export interface EnsureResult {
  readonly server_status: EnsureStatus;
  readonly name: string;
  readonly port: number;
  readonly pid: number | null;
  readonly version: string | null;
  readonly wanted: string | null;
  /** One sentence for a person. */
  readonly message: string;
  /** What ran before. */
  readonly previous?: { readonly pid: number; readonly version: string | null };
  /** What became of the sessions of its clients, a sentence each. */
  readonly warnings?: readonly string[];
  readonly log?: string;
  readonly log_tail?: readonly string[];
}

export type EnsureDecision =
  | { readonly kind: 'start' }
  | { readonly kind: 'replace'; readonly instance: Instance; readonly warnings: readonly string[] }
  | { readonly kind: 'done'; readonly result: EnsureResult };

/** Decides what has to be done. Pure. Without being asked for exactly that process, only a version that is known, and known to be older, is ever replaced. */
export function decideEnsure(wish: EnsureWish, sight: PortSight): EnsureDecision {
  const { name, port } = wish;
  const base = { name, port, wanted: wish.version ?? null };
  if (sight.kind === 'free') {
    return { kind: 'start' };
  }
  if (sight.kind === 'foreign') {
    const who = sight.pid === undefined ? 'a process that cannot be seen' : `PID ${sight.pid}${sight.command ? ` (${sight.command})` : ''}`;
    const message = `port ${port} is held by ${who}, which is not ${name} as far as can be told: ${sight.reason}. It was left alone.`;
    return done({ server_status: 'foreign', ...base, pid: sight.pid ?? null, version: null, message });
  }
  const { instance } = sight;
  const running = runningVersion(instance);
  const wanted = wish.version ?? instance.package?.installed ?? null;
  const known = { ...base, wanted, pid: instance.pid };
  const holder = `${name} runs as PID ${instance.pid} on port ${port}`;
  const found = instance.package?.name;
  if (wish.package !== undefined && found !== undefined && found !== wish.package) {
    const message = `port ${port} is held by PID ${instance.pid}, which runs the package ${found} and not ${wish.package}. It was left alone.`;
    return done({ server_status: 'foreign', ...known, version: running.version ?? null, message });
  }
  if (wish.replace !== undefined && instance.tree.includes(wish.replace) && !wish.passive) {
    return { kind: 'replace', instance, warnings: sight.warnings ?? [] };
  }
  if (running.version === undefined) {
    const message = `${holder} (${shortCommand(instance)}), and its version is not known: ${running.reason}. It was left alone.`;
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
        message: `${holder}, version ${version}, which is newer than ${wanted}. It was left alone: use it, or ask for its version.`,
      });
    case 'unknown':
      return done({
        server_status: 'unknown',
        ...known,
        version,
        message: `${holder}, version ${version}; whether that is older than ${wanted} cannot be told. It was left alone.`,
      });
    default:
      if (found === undefined && wish.launch && !isStartedBy(instance.command, wish.launch)) {
        const message = `port ${port} is held by PID ${instance.pid} (${shortCommand(instance)}), which says that it is version ${version}. That it is ${name} cannot be told: that is started by another command (${[wish.launch.command, ...wish.launch.args].join(' ').slice(0, 120)}). It was left alone.`;
        return done({ server_status: 'foreign', ...known, version, message });
      }
      return wish.passive
        ? done({
            server_status: 'older',
            ...known,
            version,
            message: `${holder}, version ${version}, which is older than ${wanted}. Somebody who only connects again replaces nothing.`,
          })
        : { kind: 'replace', instance, warnings: sight.warnings ?? [] };
  }
}

/**
 * Whether a running command may come from this launch: they have a word in common that names what is run (a script, a module, a program; not the interpreter,
 * an option or a number). What a server says of itself proves nothing of the kind.
 */
export function isStartedBy(running: string, { command, args }: Launch): boolean {
  const names = args.filter((word) => !word.startsWith('-') && !/^[\d.:]*$|\{port\}/.test(word)).map(lastName);
  const words = new Set(running.split(/\s+/).map(lastName));
  return (names.length > 0 ? names : [lastName(command)]).some((name) => words.has(name));
}

/** Of a path its last part, without what Windows adds to programs. */
function lastName(word: string): string {
  return (word.split(/[\\/]/).at(-1) ?? '').replace(/\.(?:exe|cmd)$/i, '');
}

function shortCommand({ command }: Instance): string {
  return command.length > 120 ? `${command.slice(0, 119)}…` : command;
}

/** What runs, where all that is known of it says the same: what was found out, and what the server itself says. */
export function runningVersion(
  instance: Instance,
): { readonly version: string } | { readonly version?: undefined; readonly reason: string } {
  const found = instance.package?.running ?? undefined;
  const said = usable(instance.listens?.health?.version);
  if (found !== undefined && said !== undefined && compare(instance.package?.ecosystem, found, said) !== 0) {
    return { reason: `its package says ${found} and its /health says ${said}` };
  }
  const version = found ?? said;
  return version === undefined ? { reason: instance.unknown ?? 'neither its files nor a /health with its PID tell' } : { version };
}

function usable(version: string | undefined): string | undefined {
  return version !== undefined && /^v?\d/.test(version) ? version.replace(/^v/, '') : undefined;
}

/** By the rules of the ecosystem; where that is not known, by those of either that can read both. */
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
