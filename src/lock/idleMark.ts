import type { InstanceRecord } from './instanceRecord.ts';

/** `x.idleSince` of a record: nobody has called the server since then. @returns RFC 3339; undefined when it does not say so. Other people's text: only a time is believed. */
export function idleSince({ x }: Pick<InstanceRecord, 'x'>): string | undefined {
  const word = x?.idleSince;
  return typeof word === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/.test(word) && !Number.isNaN(Date.parse(word))
    ? word
    : undefined;
}
