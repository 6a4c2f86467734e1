import { guardWouldHelp } from '../../action/protect/guardArguments.ts';
import { msg, t, translated } from '../../base/language/translate.ts';
import type { Finding } from '../../model/finding.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { compareFindings, findingWord } from '../../presentation/findingLabels.ts';
import { type CommandName, commands } from '../manifestNames.ts';
import { doingWord, type WindowFacts } from '../window/windowFacts.ts';
import { attentions, copiesText } from './attention.ts';
import { versionChange } from './instanceText.ts';
import { withoutIcons } from './plainText.ts';

/** One link above an entry. */
interface EntryLens {
  /** 1-based. */
  readonly line: number;
  readonly title: string;
  readonly command: CommandName;
  /** Id of the server or the entry. */
  readonly argument: string;
}

const fixTitles = {
  restart: [msg('Restart'), commands.restartInstance],
  upgrade: [msg('Upgrade…'), commands.upgradeInstance],
  stop: [msg('Stop…'), commands.stopInstance],
  'stop-copies': [msg('Stop Idle Copies…'), commands.stopCopies],
  step: [msg('How to Restart'), commands.howToRestart],
} as const;

/** "stale: 1.0.0 → 2.0.0 | Restart | Guard…" above each entry of a file whose server needs attention. Nothing where all is well, or the user ignores the problem. */
export function entryLenses(file: string, snapshot: Snapshot, facts: WindowFacts): EntryLens[] {
  const items = attentions(snapshot, facts);
  return snapshot.definitions
    .filter((definition) => definition.file === file)
    .flatMap(({ id, line }): EntryLens[] => {
      const own = items.filter(({ instance, definition }) => definition?.id === id || instance?.definitions.includes(id));
      const [first, ...others] = own;
      if (!first) {
        return [];
      }
      const { instance, finding, fix, copies } = first;
      const withMore = (text: string): string => (others.length === 0 ? text : t('{0} (and {1} more)', text, others.length));
      const links: Omit<EntryLens, 'line'>[] = [
        instance
          ? {
              title: `$(warning) ${withMore(copies ? copiesText(copies) : withoutIcons(lensText(finding, instance), 160))}`,
              command: commands.showDetails,
              argument: instance.id,
            }
          : { title: `$(warning) ${withMore(findingWord(finding))}`, command: commands.showServers, argument: id },
      ];
      const doing = instance && facts.busy.get(instance.id);
      if (instance && doing) {
        links.push({ title: `$(loading~spin) ${doingWord(doing)}…`, command: commands.showDetails, argument: instance.id });
      } else if (instance && fix !== 'open') {
        const [title, command] = fixTitles[fix];
        links.push({ title: translated(title), command, argument: instance.id });
        if (guardWouldHelp(instance, snapshot)) {
          links.push({ title: t('Guard…'), command: commands.launchThroughGuard, argument: id });
        }
      }
      return links.map((link) => ({ line, ...link }));
    });
}

/** "stale: 1.0.0 → 2.0.0"; of several findings the worst. */
function lensText(finding: Finding, instance: Instance): string {
  const [worst = finding] = [...instance.findings].sort(compareFindings);
  return worst.kind === 'stale' || worst.kind === 'files-gone' ? `${findingWord(worst)}: ${versionChange(instance)}` : findingWord(finding);
}
