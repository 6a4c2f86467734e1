import { createHmac, randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { configFinding } from '../../diagnosis/configChanged.ts';
import type { RawDefinition } from '../../model/definition.ts';
import type { Finding, FindingAction } from '../../model/finding.ts';
import { guardCommand } from '../../process/commandline/guardCommand.ts';
import { readRecord, writeRecordOnce } from '../../storage/jsonRecord.ts';
import type { FactStore } from '../facts/factStore.ts';
import type { Attributed } from '../match/attributeServers.ts';
import { hasVariable } from '../match/wordPattern.ts';

/**
 * What an entry said when a server was started from it, without any of its words: each is kept as a keyed hash that only this machine can make again.
 * `null` stands for a word that the client fills in, which nobody can compare.
 */
export interface EntryPrint {
  readonly command: string | null;
  readonly args: readonly (string | null)[];
  /** By the name of the variable. */
  readonly env: Readonly<Record<string, string | null>>;
  /** Absent when the entry names no directory. */
  readonly cwd?: string | null;
}

const keySchema = v.object({ schema: v.literal(1), key: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)) });

/** The machine's key for such hashes, made on first use; readable by this user only. Without a folder to keep it, one for this run. */
export function entryKey(runDir: string): string {
  const file = join(runDir, 'shepherd', 'entry-key.json');
  const own = randomBytes(32).toString('hex');
  try {
    const known = readRecord(file, keySchema);
    if (!known) {
      writeRecordOnce(file, { schema: 1, key: own });
    }
    return known?.key ?? readRecord(file, keySchema)?.key ?? own;
  } catch {
    return own;
  }
}

const prints = new WeakMap<RawDefinition, { readonly key: string; readonly print: EntryPrint }>();

/** Prints an entry. A guard that `protect` put before the server is not part of it. */
export function entryPrint(definition: RawDefinition, key: string): EntryPrint {
  const known = prints.get(definition);
  if (known?.key === key) {
    return known.print;
  }
  const print = printOf(definition, key);
  prints.set(definition, { key, print });
  return print;
}

function printOf(definition: RawDefinition, key: string): EntryPrint {
  const words = definition.command === undefined ? [] : [definition.command, ...definition.args];
  const [command = '', ...args] = words.slice(guardCommand(words)?.count ?? 0);
  const print = (place: string, value: string): string | null =>
    hasVariable(value) || /^~(?=$|[\\/])/.test(value)
      ? null
      : createHmac('sha256', Buffer.from(key, 'hex')).update(`${place}\0${value}`).digest('hex').slice(0, 32);
  return {
    command: print('command', command),
    args: args.map((word) => print('arg', word)),
    env: Object.fromEntries(
      Object.entries(definition.env).map(([name, value]) => [name, value === null ? print('unset', '') : print(`env ${name}`, value)]),
    ),
    ...(definition.cwd === undefined ? {} : { cwd: print('cwd', definition.cwd) }),
  };
}

/** What differs between two prints, in words without values; words that a client fills in never do. */
export function printDifferences(before: EntryPrint, now: EntryPrint): string[] {
  const differs = (a: string | null | undefined, b: string | null | undefined): boolean => a !== b && a !== null && b !== null;
  const args =
    before.args.length !== now.args.length
      ? [`its arguments (${before.args.length} then, ${now.args.length} now)`]
      : before.args.flatMap((word, index) => (differs(word, now.args[index]) ? [`its argument ${index + 1}`] : []));
  const variables = [...new Set([...Object.keys(before.env), ...Object.keys(now.env)])].sort().flatMap((name) => {
    const [a, b] = [before.env[name], now.env[name]];
    if (!differs(a, b)) {
      return [];
    }
    return [a === undefined ? `the variable ${name} (new)` : b === undefined ? `the variable ${name} (removed)` : `the variable ${name}`];
  });
  return [
    ...(differs(before.command, now.command) ? ['its command'] : []),
    ...args,
    ...variables,
    ...(differs(before.cwd, now.cwd) ? ['its directory'] : []),
  ];
}

/**
 * Compares a server's entry with what it said when the server was first seen, and records that at first sight: then the entry explained the process, word by
 * word and variable by variable. @param now epoch ms
 */
export function entryFindings(
  attributed: Attributed,
  cure: readonly FindingAction[],
  memory: { readonly facts: FactStore; readonly entryKey: string },
  now: number,
): Finding[] {
  const [definition] = attributed.definitions;
  const { server } = attributed;
  if (definition?.command === undefined) {
    return [];
  }
  const known = memory.facts.fact(server.identity, 'entry');
  const print = entryPrint(definition, memory.entryKey);
  if (!known) {
    // Only what is surely its entry is worth remembering: it will stand against what the words say later.
    const sure = attributed.confidence === 'proven' || attributed.client === undefined;
    if (sure && attributed.definitions.length === 1) {
      memory.facts.recordFact(server.identity, 'entry', { takenAt: now, definition: definition.id, print });
    }
    return [];
  }
  const fileChangedAt = changeOf(definition.file);
  const finding =
    known.definition === definition.id
      ? configFinding({
          now,
          pid: server.pid,
          startedAt: server.startedAt,
          differences: printDifferences(known.print, print),
          recordedAt: known.takenAt,
          file: definition.file,
          line: definition.line,
          ...(fileChangedAt === undefined ? {} : { fileChangedAt }),
          cure,
        })
      : undefined;
  return finding ? [finding] : [];
}

function changeOf(file: string): number | undefined {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return undefined;
  }
}
