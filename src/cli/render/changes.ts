import type { Snapshot } from '../../model/snapshot.ts';
import { instanceState } from './stateWords.ts';
import { problemPlace } from './statusView.ts';
import { terminalText } from './text.ts';

/**
 * What became different between two snapshots, a line each: `+` started, `-` ended, `!` now makes the headline, `=` another state, `?` a new problem.
 * Memory and age are no change. @param before undefined = the first look: everything that runs is new
 */
export function changeLines(before: Snapshot | undefined, after: Snapshot): string[] {
  const lines: string[] = [];
  const say = (sign: string, text: string): void => {
    lines.push(`${after.at} ${sign} ${terminalText(text)}`);
  };
  const earlier = new Map((before ? states(before) : []).map((state) => [state.id, state]));
  const now = states(after);
  for (const state of now) {
    const old = earlier.get(state.id);
    earlier.delete(state.id);
    if (old === undefined) {
      say('+', `${state.title}, ${state.client}`);
    }
    if (old === undefined ? state.alarm : old.text !== state.text) {
      say(state.alarm ? '!' : '=', `${state.title} ${state.text}`);
    }
  }
  for (const gone of earlier.values()) {
    say('-', `${gone.title} ended`);
  }
  const known = new Set(before?.problems.map((problem) => problemPlace(problem) + problem.message));
  for (const problem of after.problems) {
    const text = problemPlace(problem) + problem.message;
    if (!known.has(text)) {
      say('?', text);
    }
  }
  return lines;
}

/** A text that is equal for snapshots that differ in time and memory only. */
export function essence(snapshot: Snapshot): string {
  const instances = snapshot.instances.map((instance) => ({ ...instance, memoryBytes: 0 }));
  return JSON.stringify({ ...snapshot, at: '', instances });
}

interface Told {
  readonly id: string;
  readonly title: string;
  readonly client: string;
  readonly text: string;
  readonly alarm: boolean;
}

function states(snapshot: Snapshot): Told[] {
  const definitions = new Map(snapshot.definitions.map((definition) => [definition.id, definition]));
  return snapshot.instances.map((instance) => {
    const state = instanceState(
      instance,
      instance.definitions.flatMap((id) => definitions.get(id) ?? []),
    );
    return {
      id: instance.id,
      title: `${instance.name} (PID ${instance.pid})`,
      client: instance.client === null ? 'without a client' : `${instance.client.name} (PID ${instance.client.pid})`,
      text: [state.words, ...state.notes].join('; '),
      alarm: state.alarm,
    };
  });
}
