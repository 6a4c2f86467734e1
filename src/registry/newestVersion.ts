import type { Ecosystem } from '../model/package.ts';
import { compareVersions, isPrerelease, pythonSatisfies } from '../version/compareVersions.ts';
import type { Candidate } from './registryAnswer.ts';

/** The properties of an installation that decide which version is newer. */
interface InstalledVersion {
  readonly ecosystem: Ecosystem;
  readonly version: string;
  /** "3.11.7" or "3.11"; undefined when unknown. */
  readonly python?: string;
  /** The followed tag is one of prereleases. */
  readonly prereleases?: boolean;
}

/**
 * The newest version that fits an installation: no prerelease unless one is installed, and none that requires another Python.
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

/** Where only "3.11" is known, the newest patch release is assumed. An invalid range allows every Python. */
function fitsPython(python: string | undefined, range: string): boolean {
  const whole = python !== undefined && /^\d+\.\d+$/.test(python) ? `${python}.99` : python;
  return whole === undefined || pythonSatisfies(whole, range) !== false;
}
