import * as v from 'valibot';
import { type InstanceRecord, idleSince } from '../../lock/instanceRecord.ts';
import type { ServerRecord } from '../../model/snapshot.ts';
import type { Redactor } from '../../redaction/redactor.ts';

/** `x.unresponsive` of a guard's record (`src/guard/unanswered.ts`). */
const schema = v.object({
  since: v.pipe(v.string(), v.maxLength(40), v.isoTimestamp()),
  oldest: v.pipe(v.string(), v.maxLength(200), v.regex(/^\P{Cc}*$/u)),
  calls: v.pipe(v.number(), v.integer(), v.minValue(1)),
});

/** What a guard says of calls without an answer; undefined when it says nothing, or nothing that can be believed. @param now epoch ms */
export function unansweredMark(
  records: readonly InstanceRecord[],
  now: number,
): { readonly since: number; readonly oldest: string; readonly calls: number } | undefined {
  for (const record of records) {
    const word = v.safeParse(schema, record.guard === undefined ? undefined : record.x?.unresponsive);
    const since = word.success ? Date.parse(word.output.since) : Number.NaN;
    if (word.success && since <= now) {
      return { since, oldest: word.output.oldest, calls: word.output.calls };
    }
  }
  return undefined;
}

const words = v.pipe(v.string(), v.maxLength(1_100), v.regex(/^\P{Cc}*$/u));
/** `x.refused` of a guard's record (`src/guard/refusedCalls.ts`). */
const refusedSchema = v.object({
  calls: v.pipe(v.number(), v.integer(), v.minValue(1)),
  last: words,
  at: v.pipe(v.string(), v.maxLength(40), v.isoTimestamp()),
});

/** What a record says in words beside its fields; nothing that cannot be believed. */
export function guardMarks(record: InstanceRecord, redactor: Redactor): Pick<ServerRecord, 'idleSince' | 'problem' | 'refused'> {
  const idle = idleSince(record);
  const { problem, refused } = record.guard === undefined ? {} : (record.x ?? {});
  const why = v.safeParse(words, problem);
  const count = v.safeParse(refusedSchema, refused);
  return {
    ...(idle === undefined ? {} : { idleSince: idle }),
    ...(why.success ? { problem: redactor.text(why.output) } : {}),
    ...(count.success ? { refused: { ...count.output, last: redactor.text(count.output.last) } } : {}),
  };
}
