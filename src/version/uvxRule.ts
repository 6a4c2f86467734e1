import pep440 from '@renovatebot/pep440';
import type { NextVersion } from './npxRule.ts';
import type { PythonSpec } from './pythonSpec.ts';

/** What is known about the next start of a `uvx` command. */
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
