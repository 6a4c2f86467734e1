import type { Ecosystem } from '../model/package.ts';
import { compareVersions, isPrerelease, pythonSatisfies } from '../version/compareVersions.ts';
import type { Candidate } from './registryAnswer.ts';

/** What is installed, as far as it decides which version is news. */
interface InstalledVersion {
  readonly ecosystem: Ecosystem;
  readonly version: string;
  /** "3.11.7" or "3.11"; undefined when nothing on disk tells. */
  readonly python?: string;
  /** A tag is followed that stands for prereleases. */
  readonly prereleases?: boolean;
}

/**
 * The newest version that a person with this installation would want: no prerelease unless one is installed, none that wants another Python.
 * Undefined when there is none.
 */
export function newestVersion(installed: InstalledVersion, candidates: readonly Candidate[]): string | undefined {
  const { ecosystem } = installed;
  const wantsPrereleases = installed.prereleases === true || isPrerelease(ecosystem, installed.version) === true;
  let newest: string | undefined;
  for (const { version, requires } of candidates) {
    const fits = requires === undefined || installed.python === undefined || requires.some((range) => fitsPython(installed.python, range));
    if (!fits || (isPrerelease(ecosystem, version) === true && !wantsPrereleases)) {
      continue;
    }
    if (newest === undefined || compareVersions(ecosystem, newest, version) === -1) {
      newest = version;
    }
  }
  return newest;
}

/** Where only "3.11" is known, the newest patch is taken to be there. A range that cannot be read forbids nothing. */
function fitsPython(python: string | undefined, range: string): boolean {
  const whole = python !== undefined && /^\d+\.\d+$/.test(python) ? `${python}.99` : python;
  return whole === undefined || pythonSatisfies(whole, range) !== false;
}
