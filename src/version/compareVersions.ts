import pep440 from '@renovatebot/pep440';
import compare from 'semver/functions/compare.js';
import prerelease from 'semver/functions/prerelease.js';
import valid from 'semver/functions/valid.js';
import type { Ecosystem, PackageChange } from '../model/package.ts';

/**
 * Orders two versions by the rules of their ecosystem: semver for npm (never coerced: "1.0" is not a version there), PEP 440 for Python.
 * Equal texts are always equal; other versions that the rules do not know are `unknown`.
 *
 * @returns -1 when `a` is older than `b`
 */
export function compareVersions(ecosystem: Ecosystem, a: string, b: string): -1 | 0 | 1 | 'unknown' {
  if (a === b) {
    return 0;
  }
  if (ecosystem !== 'python') {
    const left = valid(a);
    const right = valid(b);
    return left === null || right === null ? 'unknown' : compare(left, right);
  }
  if (pep440.valid(a) === null || pep440.valid(b) === null) {
    return 'unknown';
  }
  const order = pep440.compare(a, b);
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

/**
 * Whether two texts name one release: equal texts, or spellings that the rules of their ecosystem call equal (`v1.0.0` of npm, `1.0` and `1.0.0` of Python).
 * Other build metadata (`1.0.0+a`, `1.0.0+b`) are another build, although they have no order.
 */
export function isSameVersion(ecosystem: Ecosystem, a: string, b: string): boolean {
  return compareVersions(ecosystem, a, b) === 0 && (ecosystem === 'python' || a.split('+')[1] === b.split('+')[1]);
}

/** The direction of a change between two versions; undefined when they are equal. `changed`: they differ and have no order (dates, build metadata). */
export function changeDirection(
  ecosystem: Ecosystem,
  running: string,
  installed: string,
): Exclude<PackageChange['direction'], 'removed' | 'content'> | undefined {
  if (running === installed) {
    return undefined;
  }
  const order = compareVersions(ecosystem, running, installed);
  return order === -1 ? 'upgrade' : order === 1 ? 'downgrade' : 'changed';
}

/** Whether a version is a prerelease (alpha, release candidate, development build); `unknown` when the rules of its ecosystem do not know it. */
export function isPrerelease(ecosystem: Ecosystem, version: string): boolean | 'unknown' {
  if (ecosystem !== 'python') {
    const read = valid(version);
    return read === null ? 'unknown' : (prerelease(read)?.length ?? 0) > 0;
  }
  return pep440.explain(version)?.is_prerelease ?? 'unknown';
}

/** Whether a Python version is within a `requires-python` range; `unknown` when one of them is invalid. */
export function pythonSatisfies(version: string, range: string): boolean | 'unknown' {
  return pep440.valid(version) === null || !pep440.validRange(range) ? 'unknown' : pep440.satisfies(version, range, { prereleases: true });
}
