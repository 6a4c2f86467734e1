import { t } from '../base/language/translate.ts';
import type { Finding, FindingAction } from '../model/finding.ts';
import type { Ecosystem } from '../model/package.ts';
import { compareVersions } from '../version/compareVersions.ts';
import { shownCommandLine, type Upgrade } from './upgradeCommand.ts';
import { moment } from './wording.ts';

/** The input of the verdict on a newer version; plain data. */
export interface UpdateEvidence {
  /** Epoch ms. */
  readonly now: number;
  readonly ecosystem: Ecosystem;
  readonly name: string;
  /** Version on disk now. */
  readonly installed: string;
  /** Newest version in the registry that fits this installation. */
  readonly newest: string;
  /** When its registry said so, epoch ms. */
  readonly answeredAt: number;
  /** Host of the registry; shown. */
  readonly registry: string;
  readonly upgrade: Upgrade;
  /** Settings that may prevent the upgrade, a sentence each. */
  readonly remarks: readonly string[];
  /** Where its entry is. */
  readonly entry?: { readonly file: string; readonly line: number };
}

/**
 * Whether the registry has a newer version than the installed one. Information, never stale: nothing on this machine changed. Undefined when the installed
 * version is the same or newer; versions that cannot be ordered give a finding with confidence `unknown`.
 */
export function judgeUpdate(evidence: UpdateEvidence): Finding | undefined {
  const { now, ecosystem, name, installed, newest, answeredAt, registry, upgrade } = evidence;
  const order = compareVersions(ecosystem, installed, newest);
  if (order === 0 || order === 1) {
    return undefined;
  }
  const offer = t('its registry ({0}) has {1}, asked {2}', registry, newest, moment(answeredAt, now));
  const since = new Date(answeredAt).toISOString();
  if (order === 'unknown') {
    return {
      kind: 'update-available',
      confidence: 'unknown',
      message: t('{0} {1} is installed and its registry has {2}: the two cannot be compared', name, installed, newest),
      evidence: [t('installed is {0} {1}, which is not a version by the rules of its ecosystem', name, installed), offer],
      since,
      actions: [],
    };
  }
  const how = 'argv' in upgrade ? shownCommandLine(upgrade.argv) : upgrade.words;
  const whole = 'argv' in upgrade && upgrade.cwd !== undefined ? t('{0} (in {1})', how, upgrade.cwd) : how;
  return {
    kind: 'update-available',
    confidence: 'proven',
    message: `${name} ${installed} → ${newest}: ${whole}`,
    evidence: [t('installed is {0} {1}', name, installed), offer, ...evidence.remarks],
    since,
    actions: actionsOf(evidence),
  };
}

function actionsOf({ upgrade, entry }: UpdateEvidence): FindingAction[] {
  const actions: FindingAction[] =
    'argv' in upgrade
      ? [{ kind: 'upgrade', argv: upgrade.argv, ...(upgrade.cwd === undefined ? {} : { cwd: upgrade.cwd }) }]
      : [{ kind: 'manual', step: `${upgrade.words[0]?.toUpperCase() ?? ''}${upgrade.words.slice(1)}.` }];
  return entry ? [...actions, { kind: 'reveal', file: entry.file, line: entry.line }] : actions;
}
