/** One version that a registry offers and that nobody took back (deprecated, yanked). */
export interface Candidate {
  /** Has the shape of a version; whether its ecosystem's rules can read it is another question. */
  readonly version: string;
  /** Python: `requires-python` of its files, one of which has to be met. Absent = any. */
  readonly requires?: readonly string[];
}

/** What a registry said about one package. Its own words are not kept. */
export type RegistryAnswer =
  | { readonly status: 'found'; readonly candidates: readonly Candidate[]; readonly etag?: string }
  /** It does not know the package. */
  | { readonly status: 'absent' }
  /** It answered, with something that tells nothing: a refusal, an error, no document that can be read. */
  | { readonly status: 'unusable'; readonly reason: string }
  /** Nothing like an answer came in time. */
  | { readonly status: 'unreachable'; readonly reason: string };

/** What was known before, so that the registry may answer "not modified". */
export interface KnownAnswer {
  readonly candidates: readonly Candidate[];
  readonly etag?: string;
}

/** In words for a log or a person. */
export function refusedAnswer(status: number): RegistryAnswer {
  const reason = status === 401 || status === 403 ? `it wants other credentials (${status})` : `it answered with ${status}`;
  return { status: 'unusable', reason };
}
