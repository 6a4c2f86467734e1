import { choice, flag, InvalidValue, type OptionTable, option, type ValueKind } from '../../base/optionTable.ts';
import type { StaleMode } from '../../model/staleMode.ts';
import { contradiction, type LockOption, type OnConflict, type ParsedOptions, readGuardWords, sharedOptions } from './sharedOptions.ts';

/** Everything before `--`, and the server's command after it. */
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
  /** How long a restart waits for the calls in flight, ms. */
  readonly drainMs: number;
  /** A restart starts the new server before it ends the old one. */
  readonly overlap: boolean;
  readonly updateNote: boolean;
  /** `lazy`: the server is started by the first request that the guard cannot answer from its earlier answers. */
  readonly start: 'eager' | 'lazy';
  /** An idle server is ended after this time, ms, and started again by the next request. */
  readonly sleepAfterMs?: number;
  /** Publish a record and nothing else: the server talks to the client directly. */
  readonly recordOnly: boolean;
  /** Replaces `~/.mcp-run`; absolute. */
  readonly runDir?: string;
  /** The server's name in messages and records. */
  readonly name?: string;
}

/** Longest time of `--sleep-after`: 20 days, because timers of Node.js end at 24 days. */
const maxMinutes = 28_800;

const minutes: ValueKind<number | undefined> = {
  initial: undefined,
  read: (value) =>
    /^\d{1,6}(?:\.\d{1,3})?$/.test(value) && Number(value) > 0 && Number(value) <= maxMinutes
      ? Math.round(Number(value) * 60_000)
      : new InvalidValue(`must be a number of minutes above 0 and up to ${maxMinutes}, not "${value}"`),
};

export const guardOptionTable = {
  ...sharedOptions,
  start: option('WHEN', choice(['eager', 'lazy'], 'eager'), 'with the session, or at the first call'),
  'sleep-after': option('MINUTES', minutes, 'end an idle server; the next request starts it again'),
  'update-note': flag('mention a newer version once per session'),
  // Opt-in until it is proven: not in the help.
  relay: flag(undefined),
  alone: flag(undefined),
  share: flag(undefined),
  'record-only': flag('only publish what runs; do not proxy messages'),
} as const satisfies OptionTable;

/** Reads the words after `mcp-shepherd guard`. Never throws. */
export function parseGuardOptions(words: readonly string[]): ParsedOptions<GuardOptions> {
  const read = readGuardWords(words, guardOptionTable);
  if (read.status !== 'read') {
    return read;
  }
  const { values, given, command = '', args } = read;
  if (command === '') {
    return contradiction('the server’s command is missing: mcp-shepherd guard [OPTIONS] -- COMMAND [ARGUMENTS]');
  }
  const needsMessages = relayOnly.some((name) => given.has(name)) || (given.has('on-stale') && values['on-stale'] !== 'off');
  if (values['record-only'] && (needsMessages || values['on-conflict'].mode === 'read-only')) {
    return contradiction('with --record-only the guard sees no messages: it can neither restart the server nor refuse or add anything');
  }
  if (values.start === 'lazy' && (values['record-only'] || values.lock.length > 0)) {
    return contradiction('--start lazy cannot be combined with --record-only or --lock');
  }
  if (values['sleep-after'] !== undefined && values.lock.length > 0) {
    return contradiction('--sleep-after cannot be combined with --lock');
  }
  const { 'run-dir': runDir, 'sleep-after': sleepAfterMs, name } = values;
  return {
    status: 'run',
    options: {
      command,
      args,
      locks: values.lock,
      onConflict: values['on-conflict'],
      onStale: values['on-stale'],
      writeTools: values['write-tools'],
      readTools: values['read-tools'],
      graceMs: values.grace,
      drainMs: values.drain,
      overlap: values.overlap,
      updateNote: values['update-note'],
      start: values.start,
      recordOnly: values['record-only'],
      ...(sleepAfterMs === undefined ? {} : { sleepAfterMs }),
      ...(runDir === undefined ? {} : { runDir }),
      ...(name === undefined ? {} : { name }),
    },
  };
}

/** Options that only a guard which sees the messages can obey. They are refused rather than ignored. */
const relayOnly: readonly string[] = ['sleep-after', 'overlap', 'update-note', 'drain', 'write-tools', 'read-tools'];
