import * as v from 'valibot';
import type { InstanceRecord } from '../lock/instanceRecord.ts';

/** `x.unresponsive` of a guard's record (`src/guard/unanswered.ts`). */
const schema = v.object({
  since: v.pipe(v.string(), v.maxLength(40), v.isoTimestamp()),
  oldest: v.pipe(v.string(), v.maxLength(200), v.regex(/^\P{Cc}*$/u)),
  calls: v.pipe(v.number(), v.integer(), v.minValue(1)),
});

/** What a guard says of calls without an answer; undefined when it says nothing, or nothing that can be believed. @param now epoch ms */
export function unansweredWord(
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
