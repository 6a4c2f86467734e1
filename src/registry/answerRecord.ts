import type { Candidate, KnownAnswer, RegistryAnswer } from './registryAnswer.ts';

/** What is kept of a question between looks, for all processes of the user. */
export interface AnswerRecord {
  /** `questionKey` */
  readonly key: string;
  /** When it was last asked, epoch ms. */
  readonly askedAt: number;
  /** Why the last question stayed without a usable answer, for a person. */
  readonly failure?: string;
  /** The last question did not get through: it may be asked again sooner. */
  readonly unreachable?: boolean;
  /** The last usable answer. */
  readonly answer?: { readonly at: number; readonly candidates: readonly Candidate[]; readonly etag?: string };
}

/** The failure of a question that is being asked, or whose asker died. */
const underWay = 'no answer yet';

/** Whether somebody is asking right now: the record on disk says more soon. */
export function isUnderWay(record: AnswerRecord): boolean {
  return record.failure === underWay;
}

const dayMs = 86_400_000;
/** A machine that started without a network gets another chance. */
const unreachableMs = 3_600_000;
/** Clocks of machines that share a home folder differ by up to this, in milliseconds. */
const skewMs = 60_000;
/** Older answers are not shown: what was the newest version then says nothing now. */
const keptMs = 30 * dayMs;

/** Whether the question may be asked: once a day; after a failure to get through, once an hour. A record from the future is not believed. */
export function isDue(record: AnswerRecord | undefined, now: number): boolean {
  if (!record || record.askedAt > now + skewMs) {
    return true;
  }
  return now - record.askedAt >= (record.unreachable ? unreachableMs : dayMs);
}

/** The answer that may be shown. */
export function knownAnswer(record: AnswerRecord | undefined, now: number): AnswerRecord['answer'] {
  const answer = record?.answer;
  return answer && answer.at <= now + skewMs && now - answer.at < keptMs ? answer : undefined;
}

/** What is written before the question goes out, so that a crash in between does not make it go out again and again. */
export function askingRecord(key: string, before: AnswerRecord | undefined, now: number): AnswerRecord {
  const answer = knownAnswer(before, now);
  return { key, askedAt: now, failure: underWay, unreachable: true, ...(answer ? { answer } : {}) };
}

/** What is written when it was answered. A package that is gone from its registry has no newest version any more; a failure changes nothing. */
export function answeredRecord(asking: AnswerRecord, reply: RegistryAnswer, now: number): AnswerRecord {
  const { key, askedAt, answer } = asking;
  switch (reply.status) {
    case 'found': {
      const { candidates, etag } = reply;
      return { key, askedAt, answer: { at: now, candidates, ...(etag === undefined ? {} : { etag }) } };
    }
    case 'absent':
      return { key, askedAt, failure: 'its registry does not know it' };
    default:
      return {
        key,
        askedAt,
        failure: reply.reason,
        ...(reply.status === 'unreachable' ? { unreachable: true } : {}),
        ...(answer ? { answer } : {}),
      };
  }
}

/** What the next question may lean on. */
export function leanOn(record: AnswerRecord | undefined, now: number): KnownAnswer | undefined {
  return knownAnswer(record, now);
}
