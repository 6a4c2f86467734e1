import pep440 from '@renovatebot/pep440';
import coerce from 'semver/functions/coerce.js';
import satisfies from 'semver/functions/satisfies.js';
import valid from 'semver/functions/valid.js';
import type { NpmSpec } from './npmSpec.ts';
import type { PythonSpec } from './pythonSpec.ts';

/** The next start of an `npx` command, as far as it is known. */
interface NpxState {
  readonly spec: NpmSpec;
  /** npm's own version; undefined when unknown. */
  readonly npm?: string;
  /** In npm's cache folder for this spec (`_npx/HASH`). */
  readonly cached?: string;
  /** Installed in the project of npx's working directory. */
  readonly project?: string;
  /** The version that the registry named last. */
  readonly latest?: string;
  /** The tag that `latest` belongs to; `latest` when absent. */
  readonly tag?: string;
}

/** `spec`: the specification decides. `local`: files on this machine decide. `registry`: the registry is asked at the start, and its answer may change. */
export type NextVersion = { readonly version: string; readonly by: 'spec' | 'local' | 'registry' } | { readonly unknown: string };

/**
 * Which version `npx` starts next. Measured with npm 10.8, 10.9, 11.6 and 11.19 and a package that was cached at an old version: the registry is asked for a bare
 * name and for a tag at each start. A range keeps to the cached version in npm 10, and is asked for again from npm 11 on. Older versions of npm have other rules.
 */
export function npxNext({ spec, npm, cached, project, latest: said, tag = 'latest' }: NpxState): NextVersion {
  if (spec.kind !== 'registry') {
    return { unknown: 'it is not started from a registry' };
  }
  const { selector } = spec;
  // The newest version of another tag says nothing about this one.
  const latest = tag === (selector?.kind === 'tag' ? selector.value : 'latest') ? said : undefined;
  if (selector?.kind === 'version') {
    return { version: valid(selector.value, true) ?? selector.value, by: 'spec' };
  }
  const major = npm === undefined ? undefined : coerce(npm)?.major;
  if (major !== undefined && major < 10) {
    return { unknown: 'the rules of npm before version 10 are not known' };
  }
  if (selector?.kind === 'tag') {
    return fromRegistry(latest);
  }
  const range = selector?.value ?? '*';
  if (project !== undefined && satisfies(project, range, { includePrerelease: true })) {
    return { version: project, by: 'local' };
  }
  if (major === undefined) {
    return { unknown: 'which npm starts it is not known, and their rules differ' };
  }
  return selector && major === 10 && cached !== undefined && satisfies(cached, range, { includePrerelease: true })
    ? { version: cached, by: 'local' }
    : fromRegistry(latest, range);
}

function fromRegistry(latest: string | undefined, range = '*'): NextVersion {
  if (latest === undefined) {
    return { unknown: 'npm asks the registry at each start, and it was not asked here' };
  }
  return satisfies(latest, range, { includePrerelease: true })
    ? { version: latest, by: 'registry' }
    : { unknown: 'the newest version is outside of its range' };
}

/** The next start of a `uvx` command, as far as it is known. */
interface UvxState {
  readonly spec: PythonSpec;
  /** Installed by `uv tool install`. */
  readonly tool?: string;
  /** The version that the registry named last. */
  readonly latest?: string;
}

/**
 * Which version `uvx` starts next (uv 0.12.5, crates/uv/src/commands/tool/run.rs): an exact version as specified; without
 * `@latest` an installed tool that fits; else the version of the index, which uv may have cached.
 */
export function uvxNext({ spec, tool, latest }: UvxState): NextVersion {
  if (spec.kind !== 'registry') {
    return { unknown: 'it is not started from a registry' };
  }
  const exact = /^={2,3}([^*,]+)$/.exec(spec.specifier)?.[1] ?? (spec.tag !== undefined && spec.tag !== 'latest' ? spec.tag : undefined);
  if (exact !== undefined) {
    return { version: exact, by: 'spec' };
  }
  const fits = (version: string): boolean => spec.specifier === '' || pep440.satisfies(version, spec.specifier, { prereleases: true });
  if (spec.tag !== 'latest' && tool !== undefined && fits(tool)) {
    return { version: tool, by: 'local' };
  }
  if (latest === undefined) {
    return { unknown: 'uv asks the index at each start, and it was not asked here' };
  }
  return fits(latest) ? { version: latest, by: 'registry' } : { unknown: 'the newest version is outside of what it asks for' };
}
