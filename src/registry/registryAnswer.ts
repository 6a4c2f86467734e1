/** One version that a registry offers and that is neither deprecated nor yanked. */
export interface Candidate {
  /** Has the shape of a version; the rules of its ecosystem may still not know it. */
  readonly version: string;
  /** Python: `requires-python` of its files, one of which must hold. Absent = any. */
  readonly requires?: readonly string[];
}

/** The answer of a registry about one package, without the registry's own text. */
export type RegistryAnswer =
  | { readonly status: 'found'; readonly candidates: readonly Candidate[]; readonly etag?: string }
  /** It does not know the package. */
  | { readonly status: 'absent' }
  /** It answered with a refusal, an error or an unreadable document. */
  | { readonly status: 'unusable'; readonly reason: string }
  /** No answer came in time. */
  | { readonly status: 'unreachable'; readonly reason: string };

/** The last answer, so that the registry may answer "not modified". */
export interface KnownAnswer {
  readonly candidates: readonly Candidate[];
  readonly etag?: string;
}

/** The answer for an HTTP error status. */
export function refusedAnswer(status: number): RegistryAnswer {
  const reason = status === 401 || status === 403 ? `it requires other credentials (${status})` : `it answered with ${status}`;
  return { status: 'unusable', reason };
}
