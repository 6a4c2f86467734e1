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
  relay: flag('as the first option: run in the process that all such servers share'),
  // `--relay` without effect; a relay adds it where no host serves it.
  alone: flag(undefined),
  share: flag(undefined),
  // Of earlier versions: a guard that only publishes what runs. Entries that have it still start, with `--on-stale off`.
  'record-only': flag(undefined),
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
  if (values.start === 'lazy' && values.lock.length > 0) {
    return contradiction('--start lazy cannot be combined with --lock');
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
      onStale: values['record-only'] && !given.has('on-stale') ? 'off' : values['on-stale'],
      writeTools: values['write-tools'],
      readTools: values['read-tools'],
      graceMs: values.grace,
      drainMs: values.drain,
      overlap: values.overlap,
      updateNote: values['update-note'],
      start: values.start,
      ...(sleepAfterMs === undefined ? {} : { sleepAfterMs }),
      ...(runDir === undefined ? {} : { runDir }),
      ...(name === undefined ? {} : { name }),
    },
  };
}
