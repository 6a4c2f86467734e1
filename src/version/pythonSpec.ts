/** A Python requirement (PEP 508), or the `name@latest` of uvx. */
export type PythonSpec =
  | {
      readonly kind: 'registry';
      /** As written; compare with `normalizePythonName`. */
      readonly name: string;
      /** Normalised, sorted as written. */
      readonly extras: readonly string[];
      /** `==1.0`, `>=1,<2`; empty text = any. */
      readonly specifier: string;
      /** The text behind a lone `@` for uvx: a version, or `latest`. */
      readonly tag?: string;
      /** The text behind the `;`. */
      readonly marker?: string;
    }
  /** `name @ url`, a bare URL, or a path. */
  | {
      readonly kind: 'url' | 'git' | 'file';
      readonly name?: string;
      readonly extras: readonly string[];
      readonly source: string;
      readonly marker?: string;
    }
  | { readonly kind: 'invalid'; readonly reason: string };

/** PEP 503: lower case, runs of `-`, `_` and `.` are one `-`. */
export function normalizePythonName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}

/** Whether a name is valid by PEP 508, with a limit of 214 characters. */
export function isPythonName(name: string): boolean {
  return name.length <= 214 && /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(name);
}

const nameAndExtras = /^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?\s*(.*)$/s;
const namedAddress = /^[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[^\]]*\]\s*)?@\s*(?:[A-Za-z][A-Za-z+]+:|[./~\\])/;
const versionClause = /^(===|==|~=|!=|<=|>=|<|>)\s*[^\s,;()@]+$/;

/** Parses one requirement. Never throws; other texts are `invalid`, with a reason that does not quote them. */
export function parsePythonSpec(spec: string): PythonSpec {
  const text = spec.trim();
  if (text.length === 0 || text.length > 8192) {
    return { kind: 'invalid', reason: 'empty or too long' };
  }
  // A name before the address: `notes @ https://host/notes.whl` is an address, although it ends as a file does.
  const bare = namedAddress.test(text) ? undefined : sourceKind(text);
  if (bare) {
    return { kind: bare, extras: [], source: text };
  }
  const match = nameAndExtras.exec(text);
  const name = match?.[1];
  if (name === undefined || !isPythonName(name)) {
    return { kind: 'invalid', reason: 'not a package name' };
  }
  const extras = (match?.[2] ?? '').split(',').map((extra) => extra.trim());
  if (extras.some((extra) => extra !== '' && !isPythonName(extra))) {
    return { kind: 'invalid', reason: 'not a list of extras' };
  }
  const common = { name, extras: extras.filter((extra) => extra !== '').map(normalizePythonName) };
  const rest = match?.[3] ?? '';
  return rest.startsWith('@') ? afterAt(rest.slice(1).trim(), common) : afterName(rest, common);
}

function afterAt(rest: string, common: { name: string; extras: string[] }): PythonSpec {
  // A URL may contain a semicolon; PEP 508 requires a space before the one that begins the marker.
  const [, source = '', marker] = /^(\S+)(?:\s+;\s*(.*))?$/s.exec(rest) ?? [];
  const kind = sourceKind(source);
  if (kind) {
    return { kind, ...common, source, ...(marker ? { marker } : {}) };
  }
  return /^[A-Za-z0-9.!+_-]+$/.test(source)
    ? { kind: 'registry', ...common, specifier: '', tag: source }
    : { kind: 'invalid', reason: 'neither a version nor an address after the @' };
}

function afterName(rest: string, common: { name: string; extras: string[] }): PythonSpec {
  const semicolon = rest.indexOf(';');
  const marker = semicolon < 0 ? '' : rest.slice(semicolon + 1).trim();
  // Old metadata writes "(>=1.0)".
  const specifier = (semicolon < 0 ? rest : rest.slice(0, semicolon)).trim().replace(/^\((.*)\)$/s, '$1');
  const clauses = specifier === '' ? [] : specifier.split(',').map((clause) => clause.trim());
  if (clauses.some((clause) => clause !== '' && !versionClause.test(clause))) {
    return { kind: 'invalid', reason: 'not a version specifier' };
  }
  return {
    kind: 'registry',
    ...common,
    specifier: clauses.map((clause) => clause.replace(/\s+/g, '')).join(','),
    ...(marker ? { marker } : {}),
  };
}

function sourceKind(text: string): 'git' | 'url' | 'file' | undefined {
  if (/^(git\+|hg\+|svn\+|bzr\+)/i.test(text)) {
    return 'git';
  }
  if (/^https?:\/\//i.test(text)) {
    return 'url';
  }
  return /^(file:|\.{1,2}([/\\]|$)|[/\\~]|[A-Za-z]:[/\\])/.test(text) || /\.(whl|tar\.gz|zip)$/i.test(text) ? 'file' : undefined;
}
