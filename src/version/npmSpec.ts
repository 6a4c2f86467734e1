import valid from 'semver/functions/valid.js';
import validRange from 'semver/ranges/valid.js';

const namePart = /^[A-Za-z0-9~_][A-Za-z0-9~._-]*$/;

/**
 * Whether npm can have a package of this name (old packages have upper case). Stricter than npm in one way: a name never begins with `-` or `.`, so that it is safe
 * as an argument and as a path.
 */
export function isNpmName(name: string): boolean {
  if (name.length === 0 || name.length > 214) {
    return false;
  }
  const parts = name.startsWith('@') ? name.slice(1).split('/') : [name];
  return parts.length === (name.startsWith('@') ? 2 : 1) && parts.every((part) => namePart.test(part) && part !== 'node_modules');
}

/** The part behind the name in `name@…`. Only the registry knows the version of a tag. */
type NpmSelector = { readonly kind: 'version' | 'range' | 'tag'; readonly value: string };

/** A package specification of npm, npx, pnpm dlx and bunx. */
export type NpmSpec =
  /** `name`, `name@1.2.3`, `name@^1`, `name@next`; without selector the launcher decides. */
  | { readonly kind: 'registry'; readonly name: string; readonly selector?: NpmSelector }
  /** `alias@npm:name@…`: installed under `alias`. */
  | { readonly kind: 'alias'; readonly alias: string; readonly target: { readonly name: string; readonly selector?: NpmSelector } }
  | { readonly kind: 'git' | 'url' | 'file'; readonly name?: string; readonly source: string }
  | { readonly kind: 'invalid'; readonly reason: string };

/** Parses a specification on a command line. Never throws. Source of the formats: npm-package-arg's documentation. */
export function parseNpmSpec(spec: string): NpmSpec {
  const text = spec.trim();
  if (text.length === 0 || text.length > 2048) {
    return { kind: 'invalid', reason: 'empty or too long' };
  }
  const bare = sourceKind(text);
  if (bare) {
    return { kind: bare, source: text };
  }
  const at = text.indexOf('@', 1);
  const name = at < 0 ? text : text.slice(0, at);
  const rest = at < 0 ? '' : text.slice(at + 1).trim();
  if (!isNpmName(name)) {
    return { kind: 'invalid', reason: 'not a package name' };
  }
  if (rest === '') {
    return { kind: 'registry', name };
  }
  if (rest.startsWith('npm:')) {
    const target = parseNpmSpec(rest.slice(4));
    return target.kind === 'registry'
      ? { kind: 'alias', alias: name, target: { name: target.name, ...(target.selector ? { selector: target.selector } : {}) } }
      : { kind: 'invalid', reason: 'an alias that names no package' };
  }
  const source = sourceKind(rest);
  if (source) {
    return { kind: source, name, source: rest };
  }
  return { kind: 'registry', name, selector: selectorOf(rest) };
}

function selectorOf(text: string): NpmSelector {
  if (valid(text, true) !== null) {
    return { kind: 'version', value: text };
  }
  return { kind: validRange(text, true) === null ? 'tag' : 'range', value: text };
}

function sourceKind(text: string): 'git' | 'url' | 'file' | undefined {
  if (/^(git[+:]|github:|gitlab:|bitbucket:|gist:|git@)/i.test(text) || /^(https?|ssh):\/\/[^#]+\.git(#.*)?$/i.test(text)) {
    return 'git';
  }
  if (/^https?:\/\//i.test(text)) {
    return 'url';
  }
  if (/^(file:|link:|workspace:|\.{1,2}([/\\]|$)|~?[/\\]|[A-Za-z]:[/\\])/.test(text) || /\.(tgz|tar\.gz|tar)$/i.test(text)) {
    return 'file';
  }
  // "owner/repository" means GitHub; scoped names begin with @.
  return /^[A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+(#.*)?$/.test(text) ? 'git' : undefined;
}
