import type { Finding } from '../../model/finding.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { instanceState } from './stateWords.ts';
import { problemPlace } from './statusView.ts';
import { terminalText } from './text.ts';

/**
 * The differences between two snapshots, a line each: `+` started, `-` ended, `!` a finding that counts, `=` another state, `?` a new problem.
 * Memory and age do not count as differences. @param before undefined = the first scan: every server is new
 */
export function changeLines(before: Snapshot | undefined, after: Snapshot): string[] {
  const lines: string[] = [];
  const add = (sign: string, text: string): void => {
    lines.push(`${after.at} ${sign} ${terminalText(text)}`);
  };
  const earlier = new Map((before ? states(before) : []).map((state) => [state.id, state]));
  const now = states(after);
  for (const state of now) {
    const old = earlier.get(state.id);
    earlier.delete(state.id);
    if (old === undefined) {
      add('+', `${state.title}, ${state.client}`);
    }
    if (old === undefined ? state.alarm : old.text !== state.text) {
      add(state.alarm ? '!' : '=', `${state.title} ${state.text}`);
    }
  }
  for (const gone of earlier.values()) {
    add('-', `${gone.title} ended`);
  }
  const known = new Set(before?.problems.map((problem) => problemPlace(problem) + problem.message));
  for (const problem of after.problems) {
    const text = problemPlace(problem) + problem.message;
    if (!known.has(text)) {
      add('?', text);
    }
  }
  return lines;
}

/** Fields that hold amounts of memory and lengths of time. */
const amounts = new Set(['memoryBytes', 'treeMemory', 'uptimeSeconds']);

/** A text that is the same for snapshots that differ only in time and memory; findings about these name them in their texts. */
export function essence(snapshot: Snapshot): string {
  return JSON.stringify({ ...snapshot, at: '' }, (key, value: unknown) =>
    amounts.has(key) ? undefined : key === 'findings' && Array.isArray(value) ? value.map(withoutAmounts) : value,
  );
}

function withoutAmounts(finding: Finding): Partial<Finding> {
  const { message: _, evidence: __, ...rest } = finding;
  return finding.kind === 'copies' || finding.kind === 'runaway' ? rest : finding;
}

interface ServerState {
  readonly id: string;
  readonly title: string;
  readonly client: string;
  readonly text: string;
  readonly alarm: boolean;
}

function states(snapshot: Snapshot): ServerState[] {
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
