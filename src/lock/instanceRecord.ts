import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { isRecord } from '../base/json.ts';
import { systemRandom } from '../base/random.ts';
import { readWhole, writeWhole } from '../storage/atomicFile.ts';
import type { LockDirectory } from './lockDirectory.ts';

/** The version of the protocol that this program writes and reads. */
export const protocolVersion = 1;
export const maxRecordBytes = 65_536;

const id = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));
/** Without control characters: any program of the user can write records, and terminals show them. */
const text = v.pipe(v.string(), v.maxLength(4_096), v.regex(/^\P{Cc}*$/u));
/** 0 and 1 are never servers, and kill(2) takes a negative number for a group. */
const pid = v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(2 ** 31 - 1));
const processMark = v.object({ pid, start: v.pipe(v.string(), v.regex(/^(?:(?:lx|ps|win):\d{1,20}|\?)$/)) });
/** `v.record` alone accepts arrays too. */
const plainObject = v.custom<Record<string, unknown>>(isRecord);
const textMap = v.pipe(plainObject, v.record(text, text));
const decimal = v.pipe(v.string(), v.regex(/^\d{1,20}$/));

/** The same as `schema/instance-record.schema.json`, which is for other languages; a test compares the two. Unknown fields are ignored. */
const recordSchema = v.object({
  ilp: v.literal(protocolVersion),
  minReader: v.literal(protocolVersion),
  id,
  seq: v.pipe(v.number(), v.integer(), v.minValue(1)),
  state: v.picklist(['starting', 'running', 'stopping', 'compromised']),
  host: v.object({ boot: text, pidns: text, name: v.optional(text) }),
  guard: v.optional(processMark),
  server: v.optional(v.object({ ...processMark.entries, pgid: v.optional(pid) })),
  serverId: text,
  client: v.optional(
    v.object({ name: text, version: v.optional(text), pid: v.optional(pid), start: v.optional(processMark.entries.start) }),
  ),
  locks: v.pipe(
    v.array(
      v.object({
        key: id,
        kind: v.picklist(['path', 'port', 'name']),
        resource: text,
        dev: v.optional(decimal),
        ino: v.optional(decimal),
      }),
    ),
    v.maxLength(64),
  ),
  exclusion: v.picklist(['flock', 'share0', 'none']),
  launch: v.optional(
    v.object({ command: text, args: v.optional(v.array(text)), cwd: v.optional(text), envNames: v.optional(v.array(text)) }),
  ),
  package: v.optional(v.object({ ecosystem: v.optional(text), name: text, version: v.optional(text), root: v.optional(text) })),
  deps: v.optional(v.object({ file: v.optional(text), sha256: v.optional(text), versions: v.optional(textMap) })),
  control: v.optional(v.object({ type: v.picklist(['unix', 'pipe']), path: text, caps: v.array(text) })),
  startedAt: v.optional(text),
  x: v.optional(plainObject),
});

/** The record of an instance. It is a hint, not a lock: what it says about processes must be checked with the system. */
export type InstanceRecord = Readonly<v.InferOutput<typeof recordSchema>>;

export type RecordReading =
  | { readonly status: 'ok'; readonly id: string; readonly record: InstanceRecord }
  /** Written by a later version of the protocol: shown, never touched. */
  | { readonly status: 'newer'; readonly id: string }
  /** Shown, never acted on. */
  | { readonly status: 'unreadable'; readonly id: string; readonly reason: string }
  | { readonly status: 'absent'; readonly id: string };

/** A random id for a new instance. */
export function newInstanceId(): string {
  return systemRandom(16).toString('hex');
}

/** Reads one record. Never throws. */
export function readInstanceRecord(directory: LockDirectory, instance: string): RecordReading {
  const whole = readWhole(join(directory.instances, `${instance}.json`), maxRecordBytes, directory.uid);
  if ('problem' in whole) {
    return whole.problem === 'absent' ? { status: 'absent', id: instance } : { status: 'unreadable', id: instance, reason: whole.problem };
  }
  return parseInstanceRecord(instance, whole.text);
}

/** @param instance the id in the file's name */
export function parseInstanceRecord(instance: string, content: string): RecordReading {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch {
    return { status: 'unreadable', id: instance, reason: 'not JSON' };
  }
  if (isNewer(value)) {
    return { status: 'newer', id: instance };
  }
  const result = v.safeParse(recordSchema, value);
  if (!result.success) {
    // Only the path: the value may be anything.
    const where = v.getDotPath(result.issues[0]) ?? 'the whole record';
    return { status: 'unreadable', id: instance, reason: `not a record of version ${protocolVersion}: ${where}` };
  }
  if (result.output.id !== instance) {
    return { status: 'unreadable', id: instance, reason: 'its id is not its file name' };
  }
  return { status: 'ok', id: instance, record: result.output };
}

function isNewer(value: unknown): boolean {
  const newer = v.pipe(v.number(), v.integer(), v.minValue(protocolVersion + 1));
  return v.is(v.object({ ilp: newer }), value) || v.is(v.object({ ilp: v.literal(protocolVersion), minReader: newer }), value);
}

/** The ids of all records of the folder, in no order. Other names are ignored. @throws when the folder cannot be listed */
export function listInstanceIds(directory: LockDirectory): string[] {
  return readdirSync(directory.instances).flatMap((name) => /^([0-9a-f]{32})\.json$/.exec(name)?.[1] ?? []);
}

/** All records of the folder, each read when it is requested. @throws when the folder cannot be listed */
export function* instanceRecords(directory: LockDirectory): Generator<RecordReading> {
  for (const id of listInstanceIds(directory)) {
    const reading = readInstanceRecord(directory, id);
    if (reading.status !== 'absent') {
      yield reading;
    }
  }
}

/** All records of the folder, in no order. @throws when the folder cannot be listed */
export function listInstanceRecords(directory: LockDirectory): RecordReading[] {
  return [...instanceRecords(directory)];
}

/** Publishes a record or its next state; readers see a complete one. @throws on I/O errors, and when the record is not valid */
export function writeInstanceRecord(directory: LockDirectory, record: InstanceRecord): void {
  const content = `${JSON.stringify(v.parse(recordSchema, record))}\n`;
  if (Buffer.byteLength(content) > maxRecordBytes) {
    throw new Error(`The record of ${record.serverId} is larger than ${maxRecordBytes} bytes`);
  }
  writeWhole(join(directory.instances, `${record.id}.json`), content);
}

/** `x.idleSince` of a record: the server got no call since then. @returns an RFC 3339 time; undefined when the field is missing or anything else */
export function idleSince({ x }: Pick<InstanceRecord, 'x'>): string | undefined {
  const value = x?.idleSince;
  return typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/.test(value) && !Number.isNaN(Date.parse(value))
    ? value
    : undefined;
}
