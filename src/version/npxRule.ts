import coerce from 'semver/functions/coerce.js';
import gte from 'semver/functions/gte.js';
import lt from 'semver/functions/lt.js';
import satisfies from 'semver/functions/satisfies.js';
import valid from 'semver/functions/valid.js';
import type { NpmSpec } from './npmSpec.ts';

/** What is known of the next start of an `npx` call. */
export interface NpxState {
  readonly spec: NpmSpec;
  /** npm's own version; undefined when nothing tells. */
  readonly npm?: string;
  /** In npm's cache folder for this spec (`_npx/HASH`). */
  readonly cached?: string;
  /** Installed in the project that npx is called in. */
  readonly project?: string;
  /** What the registry said last. */
  readonly latest?: string;
  /** The tag that this is the version of; `latest` when absent. */
  readonly tag?: string;
}

/** `local`: what is on this machine decides. `registry`: npm asks again, and may get another answer than was last seen. */
export type NextVersion = { readonly version: string; readonly by: 'spec' | 'local' | 'registry' } | { readonly unknown: string };

/**
 * Which version `npx` starts next. The rules differ by npm's version and were measured for each (research: server-memory seeded at an old version, npm 7.24,
 * 8.5, 8.19, 9.6.4, 9.6.5, 10.8, 10.9, 11.6, 11.19): a bare name is asked for anew from 9.6.5 on, before that it stays as cached, before 8.6 it moves within the
 * caret range; a range stays as cached up to npm 10; `@latest` is always asked for.
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
  if (selector?.kind === 'tag') {
    return fromRegistry(latest);
  }
  const range = selector?.value ?? '*';
  if (project !== undefined && satisfies(project, range, { includePrerelease: true })) {
    return { version: project, by: 'local' };
  }
  const version = npm === undefined ? null : coerce(npm);
  if (version === null) {
    return { unknown: 'which npm starts it is not known, and their rules differ' };
  }
  const kept = cached !== undefined && satisfies(cached, range, { includePrerelease: true }) ? cached : undefined;
  if (selector) {
    return gte(version, '11.0.0') || kept === undefined ? fromRegistry(latest, range) : { version: kept, by: 'local' };
  }
  if (gte(version, '9.6.5')) {
    return fromRegistry(latest);
  }
  if (kept === undefined) {
    return fromRegistry(latest);
  }
  if (gte(version, '8.19.0')) {
    return { version: kept, by: 'local' };
  }
  return lt(version, '8.6.0') ? fromRegistry(latest, `^${kept}`) : { unknown: 'how this npm chooses is not known' };
}

function fromRegistry(latest: string | undefined, range = '*'): NextVersion {
  if (latest === undefined) {
    return { unknown: 'npm asks the registry at each start, and it was not asked here' };
  }
  return satisfies(latest, range, { includePrerelease: true })
    ? { version: latest, by: 'registry' }
    : { unknown: 'the newest version is outside of its range' };
}
