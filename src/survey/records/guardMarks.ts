import * as v from 'valibot';
import { type InstanceRecord, idleSince } from '../../lock/instanceRecord.ts';
import type { ServerRecord } from '../../model/snapshot.ts';
import type { Redactor } from '../../redaction/redactor.ts';

/** More than any guard counts; as a number of JSON may be, `1e308` is an integer too. */
const most = 1e12;
const callCount = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(most));
/** `x.unresponsive` of a guard's record (`guard/stdio/callMonitor.ts`). */
const schema = v.object({
  since: v.pipe(v.string(), v.maxLength(40), v.isoTimestamp()),
  oldest: v.pipe(v.string(), v.maxLength(200), v.regex(/^\P{Cc}*$/u)),
  calls: callCount,
});

/** Calls without an answer, as a guard's record marks them; undefined without such a mark, or with one that is not valid. @param now epoch ms */
export function unansweredMark(
  records: readonly InstanceRecord[],
  now: number,
): { readonly since: number; readonly oldest: string; readonly calls: number } | undefined {
  for (const record of records) {
    const mark = v.safeParse(schema, record.guard === undefined ? undefined : record.x?.unresponsive);
    const since = mark.success ? Date.parse(mark.output.since) : Number.NaN;
    if (mark.success && since <= now) {
      return { since, oldest: mark.output.oldest, calls: mark.output.calls };
    }
  }
  return undefined;
}

const sentence = v.pipe(v.string(), v.maxLength(1_100), v.regex(/^\P{Cc}*$/u));
/** `x.refused` of a guard's record (`guard/message/refusedCalls.ts`). */
const refusedSchema = v.object({
  calls: callCount,
  last: sentence,
  at: v.pipe(v.string(), v.maxLength(40), v.isoTimestamp()),
});

/** `x.start` of a guard's record (`guard/lazy/lazyAnswers.ts`). */
const startSchema = v.object({
  state: v.picklist(['not-started', 'on-demand', 'at-once', 'asleep']),
  why: v.exactOptional(sentence),
  since: v.exactOptional(v.pipe(v.string(), v.maxLength(40), v.isoTimestamp())),
  awake: v.exactOptional(sentence),
  spared: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(most)),
  memoryBytes: v.exactOptional(v.pipe(v.number(), v.minValue(0), v.maxValue(most * 1_000))),
});

const toolName = v.pipe(v.string(), v.maxLength(64), v.regex(/^\P{Cc}*$/u));
const time = v.pipe(v.string(), v.maxLength(40), v.isoTimestamp());
/** `x.staleWrites` of a guard's record (`guard/stale/staleWrites.ts`). */
const staleWritesSchema = v.object({
  calls: callCount,
  from: time,
  to: time,
  tools: v.pipe(v.array(v.object({ name: toolName, calls: callCount })), v.maxLength(16)),
});

/** Which writing calls passed while the server was stale. A guard knows it where it compares the code: not with `--on-stale off`, and not without a known package. */
function staleWritesOf(record: InstanceRecord, redactor: Redactor): ServerRecord['staleWrites'] {
  const { guard, x, package: own } = record;
  const { onStale, staleWrites } = x ?? {};
  const said = v.safeParse(staleWritesSchema, guard === undefined ? undefined : staleWrites);
  if (said.success) {
    return { ...said.output, tools: said.output.tools.map(({ name, calls }) => ({ name: redactor.text(name), calls })) };
  }
  const watches = guard !== undefined && typeof onStale === 'string' && onStale !== 'off' && own?.version !== undefined;
  return watches && staleWrites === undefined ? { calls: 0, tools: [] } : undefined;
}

/** `x.ends` of a guard's record (`guard/process/serverEnds.ts`). */
const endsSchema = v.object({
  last: v.pipe(
    v.array(
      v.object({
        at: v.pipe(v.string(), v.maxLength(40), v.isoTimestamp()),
        code: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(-most), v.maxValue(most))),
        signal: v.exactOptional(v.pipe(v.string(), v.regex(/^SIG[A-Z0-9]{1,12}$/))),
      }),
    ),
    v.maxLength(10),
  ),
  errors: v.pipe(v.array(v.pipe(sentence, v.maxLength(300))), v.maxLength(5)),
});

/** `x.hostPid` of a guard's record (`guard/stdio/sessionRecord.ts`). */
const pidSchema = v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(2 ** 31 - 1));

/** The host that runs the session of this guard; undefined without one. */
export function hostPidOf({ guard, x }: InstanceRecord): number | undefined {
  const host = v.safeParse(pidSchema, guard === undefined ? undefined : x?.hostPid);
  return host.success ? host.output : undefined;
}

/** The marks of a guard's record (`x`); those that are not valid are left out. */
export function guardMarks(
  record: InstanceRecord,
  redactor: Redactor,
): Pick<ServerRecord, 'idleSince' | 'problem' | 'refused' | 'start' | 'ends' | 'staleWrites' | 'unshared' | 'hostPid'> {
  const idle = idleSince(record);
  const { problem, refused, start, ends, unshared } = record.guard === undefined ? {} : (record.x ?? {});
  const why = v.safeParse(sentence, problem);
  const count = v.safeParse(refusedSchema, refused);
  const staleWrites = staleWritesOf(record, redactor);
  const lazy = v.safeParse(startSchema, start);
  const own = v.safeParse(sentence, unshared);
  const ended = v.safeParse(endsSchema, ends);
  const hostPid = hostPidOf(record);
  const { why: reason, awake } = lazy.success ? lazy.output : {};
  const texts = {
    ...(reason === undefined ? {} : { why: redactor.text(reason) }),
    ...(awake === undefined ? {} : { awake: redactor.text(awake) }),
  };
  return {
    ...(staleWrites === undefined ? {} : { staleWrites }),
    ...(idle === undefined ? {} : { idleSince: idle }),
    ...(why.success ? { problem: redactor.text(why.output) } : {}),
    ...(count.success ? { refused: { ...count.output, last: redactor.text(count.output.last) } } : {}),
    ...(ended.success ? { ends: { ...ended.output, errors: ended.output.errors.map((line) => redactor.text(line)) } } : {}),
    ...(lazy.success ? { start: { ...lazy.output, ...texts } } : {}),
    ...(own.success ? { unshared: redactor.text(own.output) } : {}),
    ...(hostPid === undefined ? {} : { hostPid }),
  };
}

/** What the guards of one server know of its calls. */
export interface GuardCalls {
  /** Since when none was passed on, epoch ms; `called`: there was one within the last ten minutes. Absent: no guard knows. */
  readonly uncalledSince?: number | 'called';
}

/** Of a server that is reached by its input: a guard for HTTP does not record calls. Clients that share a server each have a guard. */
export function callsOf(records: readonly InstanceRecord[]): GuardCalls {
  const since = records.filter(({ guard }) => guard !== undefined).map((record) => Date.parse(idleSince(record) ?? ''));
  return since.length === 0 ? {} : { uncalledSince: since.some(Number.isNaN) ? 'called' : Math.max(...since) };
}
