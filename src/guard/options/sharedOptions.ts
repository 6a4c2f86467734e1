import { isAbsolute } from 'node:path';
import { reasonOf } from '../../base/errors.ts';
import type { HelpSection } from '../../base/optionHelp.ts';
import {
  choice,
  flag,
  InvalidValue,
  matching,
  nameList,
  type OptionProblem,
  type OptionTable,
  type OptionValues,
  option,
  readOptions,
  seconds,
  splitWords,
  type ValueKind,
} from '../../base/optionTable.ts';
import { namedResource, type ResourceKind } from '../../lock/resourceKey.ts';
import { defaultStaleMode, describeStaleMode, type StaleMode, staleModeNames } from '../../model/staleMode.ts';

/** One resource of `--lock`, as it was written. */
export interface LockOption {
  readonly kind: ResourceKind;
  readonly resource: string;
}

/** The guard's behaviour when another server holds a resource of `--lock`. */
export type OnConflict =
  | { readonly mode: 'refuse' }
  | { readonly mode: 'read-only' }
  | { readonly mode: 'warn' }
  | { readonly mode: 'wait'; readonly limitMs: number }
  | { readonly mode: 'takeover'; readonly force: boolean };

export type HttpOnConflict = Exclude<OnConflict, { readonly mode: 'read-only' | 'takeover' }>;

/** The request in the words after `mcp-shepherd guard`; `Options`: the options of that guard. */
export type ParsedOptions<Options> =
  | { readonly status: 'run'; readonly options: Options }
  | { readonly status: 'help' }
  | { readonly status: 'wrong'; readonly problem: OptionProblem };

/** The words read, before it is checked whether they go together. */
type ReadWords<Table extends OptionTable> =
  | Exclude<ParsedOptions<never>, { readonly status: 'run' }>
  | {
      readonly status: 'read';
      readonly values: OptionValues<Table>;
      readonly given: ReadonlySet<string>;
      /** The words behind `--`. */
      readonly command: string | undefined;
      readonly args: readonly string[];
    };

/** 20 days, in seconds: timers of Node.js end at 24 days. */
export const maxSeconds = 1_728_000;

/** Without a time, `wait` lasts as long as clients wait for an answer to `initialize` at most. */
const defaultWaitMs = 60_000;

const limits = { max: maxSeconds };

const conflictModes: ValueKind<OnConflict> = {
  initial: { mode: 'refuse' },
  remark: ': refuse (default), read-only, wait[=SECONDS], warn, takeover[=force]',
  read(value) {
    const [, mode = '', detail] = /^([^=]*)(?:=(.*))?$/s.exec(value) ?? [];
    if (mode === 'wait') {
      const limitMs = detail === undefined ? defaultWaitMs : seconds(limits, 0).read(detail, 0);
      return limitMs instanceof InvalidValue ? limitMs : { mode, limitMs };
    }
    if (mode === 'takeover' && (detail === undefined || detail === 'force')) {
      return { mode, force: detail === 'force' };
    }
    return (mode === 'refuse' || mode === 'read-only' || mode === 'warn') && detail === undefined
      ? { mode }
      : new InvalidValue(`must be refuse, read-only, wait, wait=SECONDS, warn, takeover or takeover=force, not "${value}"`);
  },
};

/** The HTTP guard has no read-only mode and no takeover. */
export const httpConflictModes: ValueKind<HttpOnConflict> = {
  initial: { mode: 'refuse' },
  remark: ': refuse (default), wait[=SECONDS], warn',
  read(value) {
    const read = conflictModes.read(value, conflictModes.initial);
    return read instanceof InvalidValue || read.mode === 'read-only' || read.mode === 'takeover'
      ? new InvalidValue(`must be refuse, wait, wait=SECONDS or warn with --http, not "${value}"`)
      : read;
  },
};

const locks: ValueKind<readonly LockOption[]> = {
  initial: [],
  read(value, before) {
    const [, kind, resource = ''] = /^(path|port|name):(.+)$/s.exec(value) ?? [];
    if (kind !== 'path' && kind !== 'port' && kind !== 'name') {
      return new InvalidValue(`must be path:FOLDER, port:NUMBER or name:NAME, not "${value}"`);
    }
    try {
      namedResource(kind, resource);
    } catch (error) {
      // What the file system refuses is reported where the lock is taken.
      if (kind !== 'path') {
        return new InvalidValue(`${kind}: ${reasonOf(error)}`);
      }
    }
    return [...before, { kind, resource }];
  },
};

const absolutePath: ValueKind<string | undefined> = {
  initial: undefined,
  read: (value) => (isAbsolute(value) ? value : new InvalidValue(`must be an absolute path, not "${value}"`)),
};

/** Options of both guards. */
export const sharedOptions = {
  lock: option('RESOURCE', locks, 'one server at a time: path:DIR, port:N or name:X; repeatable'),
  'on-conflict': option('MODE', conflictModes, 'when another server uses the resource'),
  'on-stale': option('MODE', choice(staleModeNames, defaultStaleMode), 'when the server runs other code than is installed'),
  'write-tools': option('A,B', nameList, 'tools that write, whatever their annotations say'),
  'read-tools': option('A,B', nameList, 'tools that only read'),
  grace: option('SECONDS', seconds(limits, 10), 'time for the server to end by itself'),
  drain: option('SECONDS', seconds(limits, 30), 'how long a restart waits for calls in flight'),
  overlap: flag('a restart starts the new server before it ends the old one'),
  name: option('NAME', matching(/^\P{Cc}{1,200}$/u, 'at most 200 characters without control characters'), 'the server’s name in messages'),
  'run-dir': option('DIR', absolutePath, 'state folder (default ~/.mcp-run)'),
  help: flag(undefined, 'h'),
} as const;

/** The modes of `--on-stale`, for the help. */
export const staleSection: HelpSection = staleSectionOf(staleModeNames);

/** The section of the help that describes the modes of `--on-stale`. */
export function staleSectionOf(modes: readonly StaleMode[]): HelpSection {
  return { title: 'While the server is stale (--on-stale)', items: modes.map((mode) => [mode, describeStaleMode(mode)]) };
}

/** Reads the words after `mcp-shepherd guard`. Everything after `--` is the server's command and is not parsed. */
export function readGuardWords<Table extends OptionTable>(words: readonly string[], table: Table): ReadWords<Table> {
  const end = words.indexOf('--');
  const own = end === -1 ? words : words.slice(0, end);
  const [command, ...args] = end === -1 ? [] : words.slice(end + 1);
  const { options, others } = splitWords(own, table);
  if (options.some(({ name }) => name === 'help')) {
    return { status: 'help' };
  }
  const reading = readOptions(options, table);
  if (reading.problem) {
    return { status: 'wrong', problem: reading.problem };
  }
  const stray = others[0]?.word;
  return stray === undefined
    ? { status: 'read', values: reading.values, given: reading.given, command, args }
    : { status: 'wrong', problem: { kind: 'stray-word', word: stray } };
}

/** A refusal of options that are right one by one and do not go together. */
export function contradiction(reason: string): { readonly status: 'wrong'; readonly problem: OptionProblem } {
  return { status: 'wrong', problem: { kind: 'contradiction', reason } };
}
