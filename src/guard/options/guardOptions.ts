import { isAbsolute } from 'node:path';
import { reasonOf } from '../../base/errors.ts';
import { namedResource } from '../../lock/resourceKey.ts';
import { defaultStaleMode, type StaleMode, staleModeNames } from '../../model/staleMode.ts';

/** One resource of `--lock`, as it was written. */
export interface LockOption {
  readonly kind: 'path' | 'port' | 'name';
  readonly resource: string;
}

/** What happens when a resource of `--lock` is held by somebody else. */
export type OnConflict =
  | { readonly mode: 'refuse' | 'read-only' | 'warn' }
  | { readonly mode: 'wait'; readonly limitMs: number }
  | { readonly mode: 'takeover'; readonly force: boolean };

/** Everything that stands before `--`, and the server's command after it. */
export interface GuardOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly locks: readonly LockOption[];
  readonly onConflict: OnConflict;
  readonly onStale: StaleMode;
  readonly writeTools: readonly string[];
  readonly readTools: readonly string[];
  /** How long a server may take to end after the end of its input or a signal, ms. */
  readonly graceMs: number;
  /** How long a restart waits for the calls that are under way, ms. */
  readonly drainMs: number;
  /** A restart starts the new server before it ends the old one. */
  readonly overlap: boolean;
  readonly updateNote: boolean;
  /** Publish a record and nothing else: the server talks to the client directly. */
  readonly recordOnly: boolean;
  /** Replaces `~/.mcp-run`; absolute. */
  readonly runDir?: string;
  /** The server's name in messages and records. */
  readonly name?: string;
}

export type ParsedGuardOptions =
  | { readonly status: 'run'; readonly options: GuardOptions }
  | { readonly status: 'help' }
  | { readonly status: 'wrong'; readonly message: string };

/** Without a time, `wait` waits as long as clients wait for an answer to `initialize` at most. */
const defaultWaitMs = 60_000;

const defaults: Omit<GuardOptions, 'command' | 'args'> = {
  locks: [],
  onConflict: { mode: 'refuse' },
  onStale: defaultStaleMode,
  writeTools: [],
  readTools: [],
  graceMs: 10_000,
  drainMs: 30_000,
  overlap: false,
  updateNote: false,
  recordOnly: false,
};

/** What an option changes, or what is wrong with its value. */
type Setting = (value: string, before: GuardOptions) => Partial<GuardOptions> | string;

const flags: ReadonlyMap<string, Partial<GuardOptions>> = new Map([
  ['--overlap', { overlap: true }],
  ['--update-note', { updateNote: true }],
  ['--record-only', { recordOnly: true }],
]);

const settings: ReadonlyMap<string, Setting> = new Map<string, Setting>([
  ['--lock', lock],
  ['--on-conflict', onConflict],
  ['--on-stale', onStale],
  ['--write-tools', (value, { writeTools }) => ({ writeTools: [...writeTools, ...names(value)] })],
  ['--read-tools', (value, { readTools }) => ({ readTools: [...readTools, ...names(value)] })],
  ['--grace', (value) => withSeconds(value, (graceMs) => ({ graceMs }))],
  ['--drain', (value) => withSeconds(value, (drainMs) => ({ drainMs }))],
  ['--run-dir', (value) => (isAbsolute(value) ? { runDir: value } : `must be an absolute path, and is "${value}"`)],
  ['--name', (name) => (/^\P{Cc}{1,200}$/u.test(name) ? { name } : 'is at most 200 letters, without control characters')],
]);

/** The options as the help lists them. */
export const guardOptionNames: readonly string[] = [...settings.keys(), ...flags.keys()];

/** Reads the words after `mcp-shepherd guard`. Everything after `--` belongs to the server and is not looked at. Never throws. */
export function parseGuardOptions(words: readonly string[]): ParsedGuardOptions {
  const end = words.indexOf('--');
  const own = end === -1 ? words : words.slice(0, end);
  const [command = '', ...args] = end === -1 ? [] : words.slice(end + 1);
  if (own.includes('--help') || own.includes('-h')) {
    return { status: 'help' };
  }
  let options: GuardOptions = { ...defaults, command, args };
  const rest = [...own];
  const given = new Set<string>();
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const [, name = word, , written] = /^(--[^=]*)(=([\s\S]*))?$/.exec(word) ?? [];
    const setting = settings.get(name);
    const change = setting ? settingChange(name, setting, written ?? rest.shift(), options) : flagChange(name, written);
    if (typeof change === 'string') {
      return { status: 'wrong', message: change };
    }
    options = { ...options, ...change };
    given.add(name);
  }
  if (command === '') {
    return { status: 'wrong', message: 'the server’s command is missing: mcp-shepherd guard [OPTIONS] -- COMMAND [ARGUMENTS]' };
  }
  if (
    options.recordOnly &&
    (relayOnly.some((name) => given.has(name)) || options.onConflict.mode === 'read-only' || looksAtCalls(given, options))
  ) {
    return { status: 'wrong', message: '--record-only looks at no message: it can neither restart nor refuse nor add anything' };
  }
  return { status: 'run', options };
}

/** What only a guard that sees the messages can do. Whoever asks for it and does not get it would be deceived. */
const relayOnly: readonly string[] = ['--overlap', '--update-note', '--drain', '--write-tools', '--read-tools'];

function looksAtCalls(given: ReadonlySet<string>, { onStale }: GuardOptions): boolean {
  return given.has('--on-stale') && onStale !== 'off';
}

function settingChange(name: string, setting: Setting, value: string | undefined, before: GuardOptions): Partial<GuardOptions> | string {
  if (value === undefined || value === '') {
    return `${name} needs a value`;
  }
  const change = setting(value, before);
  return typeof change === 'string' ? `${name} ${change}` : change;
}

function flagChange(name: string, written: string | undefined): Partial<GuardOptions> | string {
  const flag = flags.get(name);
  if (!flag) {
    return name.startsWith('-') ? `unknown option ${name}` : `"${name}" stands before --, and is no option`;
  }
  return written === undefined ? flag : `${name} takes no value`;
}

function lock(value: string, before: GuardOptions): Partial<GuardOptions> | string {
  const [, kind, resource = ''] = /^(path|port|name):(.+)$/s.exec(value) ?? [];
  if (kind !== 'path' && kind !== 'port' && kind !== 'name') {
    return `is path:FOLDER, port:NUMBER or name:NAME, and not "${value}"`;
  }
  try {
    namedResource(kind, resource);
  } catch (error) {
    // What a file system refuses is told where the lock is taken.
    if (kind !== 'path') {
      return `${kind}: ${reasonOf(error)}`;
    }
  }
  return { locks: [...before.locks, { kind, resource }] };
}

function onConflict(value: string): Partial<GuardOptions> | string {
  const [, mode = '', , detail] = /^([^=]*)(=(.*))?$/s.exec(value) ?? [];
  if (mode === 'wait') {
    return detail === undefined
      ? { onConflict: { mode, limitMs: defaultWaitMs } }
      : withSeconds(detail, (limitMs) => ({ onConflict: { mode, limitMs } }));
  }
  if (mode === 'takeover' && (detail === undefined || detail === 'force')) {
    return { onConflict: { mode, force: detail === 'force' } };
  }
  if ((mode === 'refuse' || mode === 'read-only' || mode === 'warn') && detail === undefined) {
    return { onConflict: { mode } };
  }
  return `is refuse, read-only, wait, wait=SECONDS, warn, takeover or takeover=force, and not "${value}"`;
}

function onStale(value: string): Partial<GuardOptions> | string {
  const mode = staleModeNames.find((one) => one === value);
  return mode === undefined ? `is one of ${staleModeNames.join(', ')}, and not "${value}"` : { onStale: mode };
}

/** A day: what is meant to be longer is a mistake, and timers end at 24 days. */
const maxSeconds = 86_400;

function withSeconds(value: string, change: (ms: number) => Partial<GuardOptions>): Partial<GuardOptions> | string {
  const seconds = /^\d+(?:\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
  return seconds <= maxSeconds ? change(Math.round(seconds * 1_000)) : `is a number of seconds up to ${maxSeconds}, and not "${value}"`;
}

function names(value: string): string[] {
  return value
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}
