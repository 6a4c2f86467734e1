import type { Candidate, RegistryAnswer } from './registryAnswer.ts';

/** The stored result of a question, for all processes of the user. */
export interface AnswerRecord {
  /** `questionKey` */
  readonly key: string;
  /** When it was last asked, epoch ms. */
  readonly askedAt: number;
  /** Why the last question got no usable answer, for the user. */
  readonly failure?: string;
  /** The registry was not reached: the question may be asked again sooner. */
  readonly unreachable?: boolean;
  /** The last usable answer. */
  readonly answer?: { readonly at: number; readonly candidates: readonly Candidate[]; readonly etag?: string };
}

/** The failure while a question is in flight, or after the process that asked has ended. */
const inFlight = 'no answer yet';

/** Whether a process is asking now: the record on disk changes soon. */
export function isInFlight(record: AnswerRecord): boolean {
  return record.failure === inFlight;
}

const dayMs = 86_400_000;
/** The time until a registry that was not reached is asked again. */
const unreachableMs = 3_600_000;
/** Clocks of machines that share a home folder differ by up to this, in milliseconds. */
const skewMs = 60_000;
/** Older answers are not shown. */
const keptMs = 30 * dayMs;

/** Whether the question may be asked: once a day; once an hour while the registry is not reached. A record from the future is ignored. */
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

/** The record that is written before the question is sent, so that it is not sent again at once after a crash. */
export function askingRecord(key: string, before: AnswerRecord | undefined, now: number): AnswerRecord {
  const answer = knownAnswer(before, now);
  return { key, askedAt: now, failure: inFlight, unreachable: true, ...(answer ? { answer } : {}) };
}

/** The record of an answer. A package that is gone from its registry no longer has a newest version; a failure keeps the last answer. */
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
