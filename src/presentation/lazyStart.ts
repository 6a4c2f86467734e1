import { t } from '../base/language/translate.ts';
import type { LazyStart, NotStarted, Snapshot } from '../model/snapshot.ts';
import { memory } from './quantities.ts';

/** When a guard with `--start lazy` or `--sleep-after` starts its server, for the page that explains it. */
export function startText(start: LazyStart): string {
  const texts = {
    'not-started': restingState(start),
    asleep: restingState(start),
    'on-demand': start.why === undefined ? t('started when it was needed') : t('started when it was needed: {0}', start.why),
    'at-once': start.why === undefined ? t('started with the session') : t('started with the session: {0}', start.why),
  } as const;
  return [
    texts[start.state],
    ...(start.awake === undefined ? [] : [t('idle, but not put to sleep: {0}', start.awake)]),
    ...(start.spared === 0 ? [] : [sparedText(start)]),
  ].join('; ');
}

/** Why no server runs, for a row. */
export function restingState(start: LazyStart | undefined): string {
  return start?.state === 'asleep' ? t('asleep since {0}', start.since ?? t('an unknown time')) : t('not started: never called');
}

function sparedText({ spared }: LazyStart): string {
  return spared === 1 ? t('1 earlier session did not start it') : t('{0} earlier sessions did not start it', spared);
}

/** What no server running saves; empty when it is not known. */
function savedText({ record: { start } }: NotStarted): string {
  return [
    ...(start?.memoryBytes === undefined ? [] : [t('saves about {0}', memory(start.memoryBytes))]),
    ...(start && start.spared > 0 ? [sparedText(start)] : []),
  ].join('; ');
}

/** A server that its guard has not started or has put to sleep, and what that saves, as a sentence. */
export function notStartedText(one: NotStarted): string {
  const { name, client, guardPid, record } = one;
  const whose = client === null ? t('guard PID {0}', guardPid) : t('{0}, PID {1}', client.name, client.pid);
  return `${name} (${whose}): ${[restingState(record.start), savedText(one)].filter((text) => text !== '').join('; ')}.`;
}

/** The same for all of them. */
export function notStartedTexts({ notStarted = [] }: Pick<Snapshot, 'notStarted'>): string[] {
  return notStarted.map(notStartedText);
}
