import { hasManyTurns, isReference, isSecretName, redacted } from './secretShapes.ts';

/** In characters. Longer texts are cut first. */
export const longestText = 65_536;
/** An address with a scheme. */
export const urlShape = /[a-z][a-z\d+.-]{1,20}:\/\/[^\s"'<>`]+/gi;

/** An address with user info, query values and secret path segments redacted; the rest stays as written. */
export function redactUrl(value: string): string {
  // A password may contain an unescaped `/`, `?` or `#`: everything between `user:` and the last `@` is the password.
  const match = /^(\s*(?:[a-z][a-z\d+.-]*:\/\/)?)((?:[^/?#@:\s]*:(?!\d+[/?#])[^\s]*@)?[^/?#]*)([^?#]*)(\?[^#]*)?(#[\s\S]*)?$/i.exec(value);
  if (!match) {
    return value;
  }
  const [, scheme = '', authority = '', path = '', query = '', fragment = ''] = match;
  const at = authority.lastIndexOf('@');
  // `git@github.com` holds no secret.
  const user = at < 0 ? '' : authority.slice(0, at) === 'git' ? 'git@' : `${redacted}@`;
  const segments = path
    .split('/')
    .map((segment, index, all) => (isSecretSegment(segment) || isShortSecret(segment, all[index - 1] ?? '') ? redacted : segment));
  return `${scheme}${user}${authority.slice(at + 1)}${segments.join('/')}${redactQuery(query)}${/[=&]/.test(fragment) ? redactQuery(fragment) : isSecretFragment(fragment, scheme + path) ? `#${redacted}` : fragment}`;
}

/** Some hosted servers have the key in the path: long, of letters and digits, and not a file name. */
function isSecretSegment(segment: string): boolean {
  return (
    /^bot\d+:/.test(segment) || (segment.length >= 20 && /^[\w=~%+-]+$/.test(segment) && /[A-Za-z]/.test(segment) && /\d/.test(segment))
  );
}

/** A long fragment of letters and digits, neither a heading of a document (`#version-2-of-the-guide`) nor a commit (`git+https://…#4f1c…`). */
function isSecretFragment(fragment: string, address: string): boolean {
  const text = fragment.slice(1);
  const commit = /^[\da-f]{7,64}$/i.test(text) && /^git\b|\.git$/i.test(address);
  return isSecretSegment(text) && !commit && text.split('-').some((part) => part.length >= 16 && /\d/.test(part));
}

/**
 * A shorter segment is a secret after a segment that names one (`/token/a1b2c3`), and where letters and digits alternate more than in words and versions.
 * `/keys/list`, `/v1beta2`, `/x86_64-linux-gnu` stay.
 */
function isShortSecret(segment: string, before: string): boolean {
  if (!/^[\w=~%+-]+$/.test(segment) || segment.length >= 20) {
    return false;
  }
  const named = /^[a-z_-]+$/i.test(before) && isSecretName(before);
  if (named && segment.length >= 6) {
    return /\d/.test(segment) && !/^v\d/.test(segment);
  }
  return hasManyTurns(segment);
}

function redactQuery(query: string): string {
  return query.replace(/([?#&;]?)([^=&;]*)(=?)([^&;]*)/g, (all, mark: string, name: string, equals: string, value: string) => {
    // A part without a name may be a key: `https://host/mcp?KEY`.
    const [shown, secret] = equals === '' ? [mark, name] : [`${mark}${name}=`, value];
    return secret === '' || isReference(secret) ? all : `${shown}${redacted}`;
  });
}

/** Passwords and named secrets in the addresses of a text, also decoded. */
export function urlSecrets(value: string): string[] {
  const found: string[] = [];
  if (!value.includes('://')) {
    return found;
  }
  for (const [url] of value.slice(0, longestText).matchAll(urlShape)) {
    const [, user = ''] = /^[^/]*\/\/((?:[^/?#@:\s]*:(?!\d+[/?#])[^\s]*)|[^/?#]*)@/.exec(url) ?? [];
    const password = user.includes(':') ? user.slice(user.indexOf(':') + 1) : '';
    const named = [...url.matchAll(/[?&;#]([^=&;#]+)=([^&;#]+)/g)]
      .filter(([, name = '']) => isSecretName(name))
      .map(([, , secret = '']) => secret);
    found.push(...[password, ...named].flatMap((secret) => [secret, decoded(secret)]));
  }
  return found.filter((secret) => secret.length >= 4);
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
