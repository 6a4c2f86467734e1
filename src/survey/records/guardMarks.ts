import * as v from 'valibot';
import { type InstanceRecord, idleSince } from '../../lock/instanceRecord.ts';
import type { ServerRecord } from '../../model/snapshot.ts';
import type { Redactor } from '../../redaction/redactor.ts';

/** `x.unresponsive` of a guard's record (`guard/stdio/callMonitor.ts`). */
const schema = v.object({
  since: v.pipe(v.string(), v.maxLength(40), v.isoTimestamp()),
  oldest: v.pipe(v.string(), v.maxLength(200), v.regex(/^\P{Cc}*$/u)),
  calls: v.pipe(v.number(), v.integer(), v.minValue(1)),
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
  calls: v.pipe(v.number(), v.integer(), v.minValue(1)),
  last: sentence,
  at: v.pipe(v.string(), v.maxLength(40), v.isoTimestamp()),
});

/** The marks of a guard's record (`x`); those that are not valid are left out. */
export function guardMarks(record: InstanceRecord, redactor: Redactor): Pick<ServerRecord, 'idleSince' | 'problem' | 'refused'> {
  const idle = idleSince(record);
  const { problem, refused } = record.guard === undefined ? {} : (record.x ?? {});
  const why = v.safeParse(sentence, problem);
  const count = v.safeParse(refusedSchema, refused);
  return {
    ...(idle === undefined ? {} : { idleSince: idle }),
    ...(why.success ? { problem: redactor.text(why.output) } : {}),
    ...(count.success ? { refused: { ...count.output, last: redactor.text(count.output.last) } } : {}),
  };
}
