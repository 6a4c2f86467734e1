import type { LazyStart, NotStarted, Snapshot } from '../model/snapshot.ts';
import { counted, memory } from './quantities.ts';

/** When a guard with `--start lazy` or `--sleep-after` starts its server, for the page that explains it. */
export function startText(start: LazyStart): string {
  const why = start.why === undefined ? '' : `: ${start.why}`;
  const texts = {
    'not-started': restingState(start),
    asleep: restingState(start),
    'on-demand': `started when it was needed${why}`,
    'at-once': `started with the session${why}`,
  } as const;
  return [
    texts[start.state],
    ...(start.awake === undefined ? [] : [`idle, but not put to sleep: ${start.awake}`]),
    ...(start.spared === 0 ? [] : [sparedText(start)]),
  ].join('; ');
}

/** Why no server runs, for a row. */
export function restingState(start: LazyStart | undefined): string {
  return start?.state === 'asleep' ? `asleep since ${start.since ?? 'an unknown time'}` : 'not started: never called';
}

function sparedText({ spared }: LazyStart): string {
  return `${counted(spared, 'earlier session')} did not start it`;
}

/** What no server running saves; empty when it is not known. */
function savedText({ record: { start } }: NotStarted): string {
  return [
    ...(start?.memoryBytes === undefined ? [] : [`saves about ${memory(start.memoryBytes)}`]),
    ...(start && start.spared > 0 ? [sparedText(start)] : []),
  ].join('; ');
}

/** A server that its guard has not started or has put to sleep, and what that saves, as a sentence. */
export function notStartedText(one: NotStarted): string {
  const { name, client, guardPid, record } = one;
  const whose = client === null ? `guard PID ${guardPid}` : `${client.name}, PID ${client.pid}`;
  return `${name} (${whose}): ${[restingState(record.start), savedText(one)].filter((text) => text !== '').join('; ')}.`;
}

/** The same for all of them. */
export function notStartedTexts({ notStarted = [] }: Pick<Snapshot, 'notStarted'>): string[] {
  return notStarted.map(notStartedText);
}
