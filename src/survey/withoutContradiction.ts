import { t } from '../base/language/translate.ts';
import type { Log } from '../base/log.ts';
import { contradictsItself } from '../diagnosis/stale/packages.ts';
import type { Problem } from '../model/problem.ts';
import type { Instance } from '../model/snapshot.ts';
import { isSameVersion } from '../version/compareVersions.ts';

/**
 * No instance that says two versions is shown as ok: two spellings of one version are shown as one, and a version that cannot be explained is unknown.
 * @param inPlace its source is used in place: the version in its metadata proves nothing
 */
export function withoutContradiction(
  instance: Instance,
  inPlace: boolean,
  log: Log,
): { readonly instance: Instance; readonly fault?: Problem } {
  const { package: own, pid } = instance;
  if (!own || !contradictsItself(instance)) {
    return { instance };
  }
  if (own.running !== null && own.installed !== null && isSameVersion(own.ecosystem, own.running, own.installed)) {
    return { instance: { ...instance, package: { ...own, installed: own.running } } };
  }
  if (inPlace) {
    const unknown = t('its metadata name version {0} now, but its source, which it uses in place, did not change', own.installed ?? '?');
    return { instance: { ...instance, unknown } };
  }
  const versions = t('it ran {0} and {1} is installed, which MCP Shepherd cannot explain', own.running ?? '?', own.installed ?? '?');
  log.error(`PID ${pid}: ${own.name} is shown as unknown: ${versions}.`);
  return {
    instance: { ...instance, package: { ...own, running: null }, unknown: versions },
    fault: {
      source: 'verdict',
      pid,
      message: t('Which version PID {0} ({1}) runs is not known: {2}. Please report it.', pid, own.name, versions),
    },
  };
}
