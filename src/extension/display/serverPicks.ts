import { isHeadline } from '../../model/finding.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { isStale, localRoute, ownerText, type WindowFacts } from '../window/windowFacts.ts';
import { findingsText } from './findingWords.ts';
import { processText, versionsText } from './instanceText.ts';
import { withoutIcons } from './plainText.ts';

/** One line of "Restart Server…". */
export interface ServerPick {
  readonly label: string;
  /** The state: versions. */
  readonly description: string;
  /** The context: whose, PID, and what choosing it does when that is not a restart. */
  readonly detail: string;
  readonly instanceId: string;
}

/** The running servers for "Restart Server…": stale ones first, then other trouble, then those this window can restart, then by name. @param now epoch ms */
export function serverPicks(snapshot: Snapshot, facts: WindowFacts, now: number): ServerPick[] {
  const rank = (instance: Instance): number => {
    const trouble = isStale(instance) ? 0 : instance.findings.some(isHeadline) ? 2 : 4;
    return trouble + (localRoute(instance, snapshot, facts).kind === 'here' ? 0 : 1);
  };
  return [...snapshot.instances]
    .sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name, 'en') || a.pid - b.pid)
    .map((instance) => {
      const state = findingsText(instance.findings);
      const route = localRoute(instance, snapshot, facts);
      const whose = `${ownerText(instance, facts)} · ${processText(instance, now)}`;
      return {
        label: `${instance.findings.some(isHeadline) ? '$(warning) ' : ''}${withoutIcons(instance.name, 80)}`,
        description: withoutIcons([state, versionsText(instance)].filter(Boolean).join(': '), 160),
        detail: withoutIcons(
          route.kind === 'here' || route.askable
            ? whose
            : `${whose} · ${route.restartable ? 'shows how to restart it' : 'shows what to do'}`,
          200,
        ),
        instanceId: instance.id,
      };
    });
}
