import { hasManyTurns, hidesValue, isEmptyWord, isReference, isSecretName, redacted } from './secretShapes.ts';

/** In characters. Longer texts are cut first. */
export const longestText = 65_536;
/** An address with a scheme. */
export const urlShape: RegExp = /[a-z][a-z\d+.-]{1,20}:\/\/[^\s"'<>`]+/gi;
/** Addresses of repositories, whose fragment may be a commit. */
const gitAddress = /^git\b|\.git$|\/\/(?:github|gitlab|bitbucket)\.[a-z]+\//i;
/** A word of a heading, or an anchor with a number (`L10`, `version-2`, `v1.2.3`). */
const anchorWord = /^(?:[A-Z]?[a-z]{1,15}(?:[A-Z][a-z]{1,15}){0,4}|[A-Z]{1,15}|[A-Za-z]{0,2}\d{1,4})$/;

/** Words and versions of paths (`list`, `Callback`, `v1beta2`), and the number of one of few things. */
const ordinarySegment = /^(?:[A-Z]?[a-z]+(?:[-_][a-z]+)*|[A-Z]+|v\d[\w.]*|\d{1,5})$/;
/** `;token=S` after a segment. */
const segmentParameter = /(;([\w.-]{1,60})=)([^;]+)/g;

/** An address without its user and password, the values of its query and fragment, and the secret parts of its path. */
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
  const isWeb = /^\s*https?:/i.test(scheme) && !gitAddress.test(scheme + authority + path);
  const segments = path
    .split('/')
    .map((segment, index, all) =>
      isSecretSegment(segment) || isShortSecret(segment, all[index - 1] ?? '') || (isWeb && isKey(segment))
        ? redacted
        : segment.replace(segmentParameter, (part, name: string, word: string, value: string) =>
            hidesValue(word, value) && !isReference(value) ? `${name}${redacted}` : part,
          ),
    );
  return `${scheme}${user}${authority.slice(at + 1)}${segments.join('/')}${redactQuery(query)}${redactFragment(fragment, `${scheme}${authority}${path}`)}`;
}

/** Some hosted servers have the key in the path: long, of letters and digits, and not a file name. */
function isSecretSegment(segment: string): boolean {
  return (
    /^bot\d+:/.test(segment) || (segment.length >= 20 && /^[\w=~%+-]+$/.test(segment) && /[A-Za-z]/.test(segment) && /\d/.test(segment))
  );
}

/** On a web server, capitals with digits and nothing else are a key rather than a name: `/mcp/ABCDEF12`. Names on hosts of repositories stay. */
function isKey(segment: string): boolean {
  return /^(?=.*[A-Z])(?=.*\d)[A-Z\d]{6,}$/.test(segment);
}

/**
 * A fragment is shown only where it is an anchor: words of letters and short numbers (`#getting-started-with-version-2`, `#L10`),
 * or the commit of a repository's address (`#4f1c…`).
 */
function redactFragment(fragment: string, address: string): string {
  const [, text = '', after = ''] = /^#(.*?)([).,;:!?\]}]{0,3})$/s.exec(fragment) ?? [];
  if (/[=&]/.test(text)) {
    return redactQuery(fragment);
  }
  const words = text.replace(/^semver:[~^]?/, '').split(/[-_./]/);
  const isAnchor = words.length <= 12 && words.every((word) => word === '' || anchorWord.test(word));
  const namesSecret = text.split('/').slice(0, -1).some(isSecretName);
  const isCommit = gitAddress.test(address) && /^[\da-f]{7,64}$/i.test(text);
  return isReference(text) || isCommit || (isAnchor && !namesSecret) ? fragment : `#${redacted}${after}`;
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
  if (named && segment.length >= 3 && !ordinarySegment.test(segment) && !isEmptyWord(segment)) {
    return true;
  }
  return hasManyTurns(segment);
}

function redactQuery(query: string): string {
  return query.replace(/([?#&;]?)([^=&;]*)(=?)([^&;]*)/g, (all, mark: string, name: string, equals: string, value: string) => {
    // A part without a name may be a key, also with the signs that fill up its length: `https://host/mcp?KEY`, `?KEY==`.
    const isNamed = equals !== '' && isParameterName(name) && !/^=+$/.test(value);
    const [shown, secret] = isNamed ? [`${mark}${name}=`, value] : [mark, name + equals + value];
    return secret === '' || isReference(secret) ? all : `${shown}${redacted}`;
  });
}

function isParameterName(name: string): boolean {
  return name.length <= 60 && !isSecretSegment(name) && !hasManyTurns(name);
}

/** Passwords and named secrets in the addresses of a text, as written and decoded. */
export function urlSecrets(value: string): string[] {
  const found: string[] = [];
  if (!value.includes('://')) {
    return found;
  }
  for (const [url] of value.matchAll(urlShape)) {
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
