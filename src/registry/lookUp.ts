import type { Ecosystem } from '../model/package.ts';
import type { IndexTarget } from './indexRoute.ts';
import { askNpm } from './npm/npmRegistry.ts';
import { askSimpleIndex } from './python/simpleIndex.ts';
import type { Candidate, KnownAnswer, RegistryAnswer } from './registryAnswer.ts';

/** One question to one or more indexes. */
export interface Question {
  readonly ecosystem: Ecosystem;
  readonly name: string;
  /** npm: the tag that is followed. */
  readonly tag: string;
  readonly targets: readonly [IndexTarget, ...IndexTarget[]];
}

/** The cache key of a question: everything that the answer depends on, without secrets. */
export function questionKey({ ecosystem, name, tag, targets }: Question): string {
  return JSON.stringify([ecosystem, name, ecosystem === 'npm' ? tag : '', ...targets.map((target) => target.base.href)]);
}

/**
 * Asks the indexes one after the other and joins their versions. When one of them does not answer, the question is unanswered, because that one may have the
 * package.
 */
export async function lookUp(question: Question, known: KnownAnswer | undefined, signal: AbortSignal): Promise<RegistryAnswer> {
  const { ecosystem, name, tag, targets } = question;
  const candidates: Candidate[] = [];
  let etag: string | undefined;
  let isKnown = false;
  for (const target of targets) {
    // An entity tag belongs to one page of one index.
    const before = targets.length === 1 ? known : undefined;
    const answer =
      ecosystem === 'npm' ? await askNpm(target, name, tag, before, signal) : await askSimpleIndex(target, name, before, signal);
    if (answer.status === 'unusable' || answer.status === 'unreachable') {
      return answer;
    }
    if (answer.status === 'found') {
      isKnown = true;
      candidates.push(...answer.candidates);
      etag = answer.etag;
    }
  }
  return isKnown ? { status: 'found', candidates, ...(etag === undefined || targets.length > 1 ? {} : { etag }) } : { status: 'absent' };
}
