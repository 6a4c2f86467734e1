import { isOrphan } from '../../action/plan/restartRoute.ts';
import { t } from '../../base/language/translate.ts';
import { isHeadline } from '../../model/finding.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { roundedMemory } from '../../presentation/quantities.ts';
import { doingWord, isStale, localRoute, ownerText, shortOwnerText, type WindowFacts } from '../window/windowFacts.ts';
import { type Attention, attentions, fixable, stateText, updates } from './attention.ts';
import { processText, versionAndState } from './instanceText.ts';
import { shortName, withoutIcons } from './plainText.ts';

/** One line of "Restart Server…". */
interface ServerPick {
  readonly label: string;
  /** Versions and finding. */
  readonly description: string;
  /** Owner, process, and what choosing it does if it does not restart the server. */
  readonly detail: string;
  readonly instanceId: string;
}

/** The running servers: first stale ones, then ones with other findings, then the rest; in each group first those of this window, then by name. @param now epoch ms */
export function serverPicks(snapshot: Snapshot, facts: WindowFacts, now: number): ServerPick[] {
  const rank = (instance: Instance): number => {
    const severity = isStale(instance) ? 0 : instance.findings.some(isHeadline) ? 2 : 4;
    return severity + (localRoute(instance, snapshot, facts).kind === 'here' ? 0 : 1);
  };
  return [...snapshot.instances]
    .sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name, 'en') || a.pid - b.pid)
    .map((instance) => {
      const state = stateText(instance.findings);
      const route = localRoute(instance, snapshot, facts);
      const whose = `${ownerText(instance, facts)} · ${processText(instance, now)}`;
      return {
        label: `${instance.findings.some(isHeadline) ? '$(warning) ' : ''}${withoutIcons(instance.name, 80)}`,
        description: withoutIcons(versionAndState(instance, state), 160),
        detail: withoutIcons(
          route.kind === 'here' || route.askable
            ? whose
            : `${whose} · ${instance.findings.some(isOrphan) ? t('offers to stop it') : t('shows how to restart it')}`,
          200,
        ),
        instanceId: instance.id,
      };
    });
}

/** One line of the list that a click on the status bar opens; without `item` and `does`: a heading. */
export interface FixPick {
  readonly label: string;
  readonly description?: string;
  /** `QuickPickItemKind.Separator` for headings. */
  readonly kind?: -1;
  /** The server or entry that needs attention; choosing the line fixes it. */
  readonly item?: Attention;
  readonly does?: 'fix-all' | 'show' | 'settings';
}

const icons: Readonly<Record<Attention['fix'], string>> = {
  restart: '$(debug-restart)',
  upgrade: '$(cloud-download)',
  stop: '$(debug-stop)',
  'stop-copies': '$(debug-stop)',
  step: '$(copy)',
  open: '$(go-to-file)',
};

/** The list of what needs attention, one fix per line (a heading would take the place of the first), then “Fix All”, the view and the settings. */
export function fixPicks(snapshot: Snapshot, facts: WindowFacts): FixPick[] {
  const items = attentions(snapshot, facts);
  const newer = updates(snapshot, facts, items);
  const all = fixable(items, facts).length;
  const line = (item: Attention): FixPick => {
    const busy = item.instance && facts.busy.get(item.instance.id);
    const label = busy
      ? `$(loading~spin) ${withoutIcons(item.name, 60)}: ${doingWord(busy)}`
      : `${icons[item.fix]} ${fixText(item, facts)}`;
    return { label, description: withoutIcons(fixDetail(item), 160), item };
  };
  const heading = (label: string): FixPick => ({ label, kind: -1 });
  return [
    ...items.map(line),
    ...(all > 1 ? [{ label: `$(check-all) ${t('Fix All ({0})…', all)}`, does: 'fix-all' } as const] : []),
    ...(newer.length > 0 ? [heading(t('Updates')), ...newer.map(line)] : []),
    heading(''),
    { label: `$(mcp) ${t('Open View')}`, does: 'show' },
    { label: `$(gear) ${t('Settings')}`, does: 'settings' },
  ];
}

/** "Restart everything, this window", "Stop thinking, 66 MB", "Copy the step for github, Claude Code". */
function fixText({ fix, finding, instance, name }: Attention, facts: WindowFacts): string {
  // Longer names would push the versions out of the list.
  const shown = withoutIcons(shortName(name));
  const whose = instance ? withoutIcons(shortOwnerText(instance, facts), 60) : '';
  switch (fix) {
    case 'restart':
      return t('Restart {0}, {1}', shown, whose);
    case 'upgrade':
      return t('Upgrade {0}, {1}…', shown, whose);
    case 'stop': {
      const memory = roundedMemory(instance?.memoryBytes ?? 0);
      const about = [memory, instance?.client && whose].filter(Boolean).join(', ');
      if (finding.kind === 'duplicate' || finding.kind === 'copies') {
        return about === '' ? t('Stop this copy of {0}…', shown) : t('Stop this copy of {0}, {1}…', shown, about);
      }
      return about === '' ? t('Stop {0}…', shown) : t('Stop {0}, {1}…', shown, about);
    }
    case 'stop-copies':
      return t('Stop idle copies of {0}…', shown);
    case 'step':
      return t('Copy the step for {0}, {1}', shown, whose);
    case 'open':
      return t('Open the entry of {0}', shown);
  }
}

function fixDetail({ finding, instance, definition, copies, process }: Attention): string {
  if (copies) {
    return finding.message;
  }
  const state = stateText(instance?.findings ?? definition?.findings ?? [finding]);
  const pid = instance && finding.kind !== 'stale' ? t('PID {0}', instance.pid) : process;
  return [instance ? versionAndState(instance, state) : state, pid].filter(Boolean).join(' · ');
}
