import { createHash } from 'node:crypto';
import type { Ecosystem } from '../model/package.ts';
import type { IndexTarget } from './indexRoute.ts';
import type { Candidate, KnownAnswer, RegistryAnswer } from './registryAnswer.ts';

/** One question to one or more indexes. */
export interface Question {
  readonly ecosystem: Ecosystem;
  readonly name: string;
  /** npm: the tag that is followed. */
  readonly tag: string;
  readonly targets: readonly [IndexTarget, ...IndexTarget[]];
}

/** Longer keys are hashed: a record with a longer one would not be read again. */
const longestKey = 2_000;

/** The cache key of a question: everything that the answer depends on, without secrets. */
export function questionKey({ ecosystem, name, tag, targets }: Question): string {
  const key = JSON.stringify([ecosystem, name, ecosystem === 'npm' ? tag : '', ...targets.map(targetKey)]);
  return key.length > longestKey ? createHash('sha256').update(key).digest('hex') : key;
}

/** A proxy and authorities of a project may answer otherwise than the index itself. */
function targetKey({ base, proxy, caFile, unverified }: IndexTarget): unknown {
  const passage = [proxy === undefined ? null : `${proxy.protocol}//${proxy.host}`, caFile ?? null, unverified ?? false];
  return passage.some(Boolean) ? [base.href, ...passage] : base.href;
}

/**
 * Asks the indexes one after the other and joins their versions. When one of them does not answer, the question is unanswered, because that one may have the
 * package.
 */
export async function lookUp(question: Question, known: KnownAnswer | undefined, signal: AbortSignal): Promise<RegistryAnswer> {
  const { ecosystem, name, tag, targets } = question;
  // Loaded here: HTTP and TLS take longer to load than all of a scan, and most scans ask nothing.
  const [{ askNpm }, { askSimpleIndex }] = await Promise.all([import('./npm/npmRegistry.ts'), import('./python/simpleIndex.ts')]);
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
