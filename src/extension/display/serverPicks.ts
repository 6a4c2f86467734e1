import { isOrphan } from '../../action/plan/restartRoute.ts';
import { isHeadline } from '../../model/finding.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { isStale, localRoute, ownerText, type WindowFacts } from '../window/windowFacts.ts';
import { findingsText } from './findingWords.ts';
import { processText, versionsText } from './instanceText.ts';
import { withoutIcons } from './plainText.ts';

/** One line of "Restart Server…". */
interface ServerPick {
  readonly label: string;
  /** Finding and versions. */
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
      const state = findingsText(instance.findings);
      const route = localRoute(instance, snapshot, facts);
      const whose = `${ownerText(instance, facts)} · ${processText(instance, now)}`;
      return {
        label: `${instance.findings.some(isHeadline) ? '$(warning) ' : ''}${withoutIcons(instance.name, 80)}`,
        description: withoutIcons([state, versionsText(instance)].filter(Boolean).join(': '), 160),
        detail: withoutIcons(
          route.kind === 'here' || route.askable
            ? whose
            : `${whose} · ${instance.findings.some(isOrphan) ? 'offers to stop it' : 'shows how to restart it'}`,
          200,
        ),
        instanceId: instance.id,
      };
    });
}
