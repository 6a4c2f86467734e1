import { createHmac, randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { t } from '../../base/language/translate.ts';
import { judgeConfig } from '../../diagnosis/configChanged.ts';
import type { RawDefinition } from '../../model/definition.ts';
import type { Finding } from '../../model/finding.ts';
import { guardCommand } from '../../process/commandline/guardCommand.ts';
import { readRecord, writeRecordOnce } from '../../storage/jsonRecord.ts';
import { privateFolder } from '../../storage/privateFolder.ts';
import type { FactStore } from '../facts/factStore.ts';
import type { Attributed } from '../match/attributeServers.ts';
import { hasVariable } from '../match/wordPattern.ts';
import { runningServer, type ServerContext } from './serverContext.ts';

/**
 * An entry as it was when a server was started from it, without any of its values: each is a keyed hash that only this machine can compute.
 * `null` stands for a value that the client fills in and that cannot be compared.
 */
interface EntryPrint {
  readonly command: string | null;
  readonly args: readonly (string | null)[];
  /** By the name of the variable. */
  readonly env: Readonly<Record<string, string | null>>;
  /** Absent when the entry names no directory. */
  readonly cwd?: string | null;
}

const keySchema = v.object({ schema: v.literal(1), key: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)) });

/** The machine's key for these hashes, created on first use and readable by this user only. Without a private, writable folder it lasts as long as this process. */
export function entryKey(runDir: string): string {
  const own = randomBytes(32).toString('hex');
  try {
    const file = join(privateFolder(runDir), 'entry-key.json');
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

/** The hashes of an entry. The guard command that `protect` adds is left out. */
function entryPrint(definition: RawDefinition, key: string): EntryPrint {
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

/** The differences between two prints, without values. Values that the client fills in never differ. */
function printDifferences(before: EntryPrint, now: EntryPrint): string[] {
  const differs = (a: string | null | undefined, b: string | null | undefined): boolean => a !== b && a !== null && b !== null;
  const args =
    before.args.length !== now.args.length
      ? [t('its arguments ({0} then, {1} now)', before.args.length, now.args.length)]
      : before.args.flatMap((word, index) => (differs(word, now.args[index]) ? [t('its argument {0}', index + 1)] : []));
  const variables = [...new Set([...Object.keys(before.env), ...Object.keys(now.env)])].sort().flatMap((name) => {
    const [a, b] = [before.env[name], now.env[name]];
    if (!differs(a, b)) {
      return [];
    }
    return [
      a === undefined
        ? t('the variable {0} (new)', name)
        : b === undefined
          ? t('the variable {0} (removed)', name)
          : t('the variable {0}', name),
    ];
  });
  return [
    ...(differs(before.command, now.command) ? [t('its command')] : []),
    ...args,
    ...variables,
    ...(differs(before.cwd, now.cwd) ? [t('its directory')] : []),
  ];
}

/**
 * Compares a server's entry with the entry as it was when the server was first seen. Records it then: at that time the entry matched the process, argument by
 * argument and variable by variable.
 */
export function entryFindings(
  attributed: Attributed,
  server: ServerContext,
  state: { readonly facts: FactStore; readonly entryKey: string },
): Finding[] {
  const [definition] = attributed.definitions;
  const { identity } = server.row;
  if (definition?.command === undefined) {
    return [];
  }
  const known = state.facts.fact(identity, 'entry');
  const print = entryPrint(definition, state.entryKey);
  if (!known) {
    // Recorded only when it is certainly its entry: the record later counts more than the command line.
    const sure = attributed.confidence === 'proven' || attributed.client === undefined;
    if (sure && attributed.definitions.length === 1) {
      state.facts.recordFact(identity, 'entry', { takenAt: server.now, definition: definition.id, print });
    }
    return [];
  }
  const differences = known.definition === definition.id ? printDifferences(known.print, print) : [];
  if (differences.length === 0) {
    return [];
  }
  const fileChangedAt = changeOf(definition.file);
  const finding = judgeConfig({
    ...runningServer(server),
    differences,
    recordedAt: known.takenAt,
    file: definition.file,
    line: definition.line,
    ...(fileChangedAt === undefined ? {} : { fileChangedAt }),
  });
  return finding ? [finding] : [];
}

function changeOf(file: string): number | undefined {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return undefined;
  }
}
