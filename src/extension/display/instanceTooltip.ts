import { t } from '../../base/language/translate.ts';
import type { Definition } from '../../model/definition.ts';
import type { Instance, NotStarted } from '../../model/snapshot.ts';
import { findingWord } from '../../presentation/findingLabels.ts';
import { notStartedText } from '../../presentation/lazyStart.ts';
import { ownerText, type WindowFacts } from '../window/windowFacts.ts';
import { processText, versionChange } from './instanceText.ts';
import { asMarkdown } from './plainText.ts';
import { pathText } from './sourceText.ts';

/** The tooltip of a running server's row, as Markdown without links. @param definition its entry @param now epoch ms */
export function instanceTooltip(instance: Instance, definition: Definition | undefined, facts: WindowFacts, now: number): string {
  const findings = instance.findings.map((finding) => `- **${asMarkdown(findingWord(finding))}**: ${asMarkdown(finding.message, 400)}`);
  const lines = [
    `**${asMarkdown(instance.name, 80)}** ${asMarkdown(versionChange(instance), 200)}`,
    findings.join('\n'),
    asMarkdown(`${ownerText(instance, facts)} · ${processText(instance, now)}`),
    asMarkdown(recordText(instance, facts.home), 300),
    asMarkdown(guardText(instance), 500),
    instance.unknown === undefined ? '' : t('Unknown: {0}', asMarkdown(instance.unknown, 300)),
    asMarkdown(
      definition ? t('{0}, line {1}', pathText(definition.file, facts.home), definition.line) : t('Not in any configuration file'),
      300,
    ),
    asMarkdown(instance.command, 300),
  ];
  return lines.filter((line) => line !== '').join('\n\n');
}

/** "Holds ~/notes. Versions as reported by the server itself." Empty when nothing was published. */
function recordText({ record, package: own }: Instance, home: string): string {
  if (!record) {
    return '';
  }
  const things = record.locks.map(({ kind, resource }) => (kind === 'path' ? pathText(resource, home) : resource)).join(', ');
  const holds = things === '' ? '' : record.exclusion === 'none' ? t('Uses {0} without a lock.', things) : t('Holds {0}.', things);
  const who =
    record.guardPid === undefined
      ? t('Versions as reported by the server itself.')
      : t('Versions as reported by its guard (PID {0}).', record.guardPid);
  const says = own?.origin === 'recorded' ? who : '';
  return [holds, says].filter(Boolean).join(' ');
}

/** The calls that the guard refused and the work that it could not do, because few users read its log. Empty when there is nothing to report. */
function guardText({ record }: Instance): string {
  const { problem, refused, idleSince } = record ?? {};
  return [
    problem === undefined ? '' : t('Its guard could not restart it: {0}.', problem),
    refused
      ? refused.calls === 1
        ? t('Its guard refused 1 call. Last reason: {0}', refused.last.replace(/\.?$/, '.'))
        : t('Its guard refused {0} calls. Last reason: {1}', refused.calls, refused.last.replace(/\.?$/, '.'))
      : '',
    idleSince === undefined ? '' : t('No calls since {0}.', idleSince),
  ]
    .filter(Boolean)
    .join(' ');
}

/** The tooltip of an entry's row, as Markdown without links. @param resting its guard, when that has not started the server or has put it to sleep */
export function definitionTooltip(definition: Definition, facts: WindowFacts, resting?: NotStarted): string {
  const target = definition.url ?? [definition.command ?? '', ...definition.args].join(' ');
  return [
    `**${asMarkdown(definition.name, 80)}**`,
    asMarkdown(target, 300),
    asMarkdown(t('{0}, line {1}', pathText(definition.file, facts.home), definition.line), 300),
    ...(resting ? [asMarkdown(notStartedText(resting), 300)] : []),
    ...definition.findings.map((finding) => `**${asMarkdown(findingWord(finding))}**: ${asMarkdown(finding.message, 400)}`),
  ].join('\n\n');
}
