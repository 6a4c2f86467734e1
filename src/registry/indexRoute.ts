declare const inScope: unique symbol;

/** An `Authorization` header whose target may get it. Only `credentialScope.ts` says so of a string. */
export type ScopedAuthorization = string & { readonly [inScope]: true };

/** How one index is reached. Holds credentials: only `base` may be shown or stored. */
export interface IndexTarget {
  /** Base address with a slash at its end, without user and password. */
  readonly base: URL;
  /** The `Authorization` header for this index; never sent to another origin. */
  readonly authorization?: ScopedAuthorization;
  /** One of the public defaults. */
  readonly isPublic: boolean;
  readonly proxy?: URL;
  /** File of certificate authorities (PEM) that replaces the default ones. */
  readonly caFile?: string;
  /** The configuration disables the check of certificates; then no credentials are sent. */
  readonly unverified?: true;
}

/** The indexes to ask about one package, or why none is asked. */
export type IndexRoute =
  | { readonly ask: readonly [IndexTarget, ...IndexTarget[]]; readonly remarks: readonly string[] }
  | { readonly never: string };

/** Parses an index's address: credentials separated, a slash at the end. Undefined when it is not an HTTP address. */
export function indexAddress(text: string): { readonly base: URL; readonly authorization?: string } | undefined {
  let url: URL;
  try {
    url = new URL(text.trim());
  } catch {
    return undefined;
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    return undefined;
  }
  const { username, password } = url;
  url.username = '';
  url.password = '';
  url.hash = '';
  url.search = '';
  if (!url.pathname.endsWith('/')) {
    url.pathname += '/';
  }
  if (username === '' && password === '') {
    return { base: url };
  }
  return { base: url, authorization: basic(decoded(username), decoded(password)) };
}

/** The `Authorization` header of user and password. */
export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
