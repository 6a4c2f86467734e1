import { copiesFinding } from '../../action/plan/plan.ts';
import { freedBytes, type PruneCandidate, pruneHeadings } from '../../action/plan/pruneCandidates.ts';
import { counted, duration, memory } from '../../presentation/quantities.ts';
import { createPaint } from './paint.ts';
import { capital } from './stateWords.ts';
import type { ViewOptions } from './statusView.ts';
import { renderTable, type TableLine } from './table.ts';
import { terminalText, wrap } from './text.ts';

/** The servers that could be stopped, in groups; selected ones have a mark. */
export function renderPrune(candidates: readonly PruneCandidate[], chosen: ReadonlySet<string>, options: ViewOptions): string {
  if (candidates.length === 0) {
    return 'No orphans, no duplicates and no idle copies.\n';
  }
  const paint = createPaint(options.color);
  const lines: TableLine[] = [];
  let group = '';
  /** Told below the row before, of an idle copy: the next one has the same command and risks as a rule. */
  let told: readonly { readonly text: string }[] = [];
  for (const candidate of candidates) {
    if (candidate.class !== group) {
      lines.push(...(group === '' ? [] : [{ kind: 'space' } as const]), { kind: 'heading', text: capital(pruneHeadings[candidate.class]) });
      group = candidate.class;
    }
    const { instance, why, plan } = candidate;
    const idle = candidate.class === 'idle-copy' && !candidate.startedAgain ? copiesFinding(instance) : undefined;
    const below = instance.tree.length > 1 ? ` (with PID ${instance.tree.slice(1).join(', ')})` : '';
    const notes = [
      // The sentence about the copies is the same for all; what each did is not.
      ...(idle ? [{ kind: 'note', text: terminalText(idle.message) } as const] : []),
      { kind: 'note', text: terminalText(`${instance.command}${below}`) } as const,
      ...plan.risks.map((risk) => ({ kind: 'note', text: terminalText(`Note: ${risk}`), tone: 'warning' }) as const),
    ];
    lines.push({
      kind: 'row',
      cells: [
        { text: chosen.has(instance.id) ? '[x]' : '[ ]', tone: chosen.has(instance.id) ? 'strong' : 'dim' },
        { text: String(instance.pid) },
        { text: terminalText(instance.name), tone: 'strong' },
        { text: memory(instance.memoryBytes) },
        { text: duration(options.now - Date.parse(instance.startedAt)) },
        { text: terminalText(idle?.evidence[0] ?? why) },
      ],
    });
    const known = new Set(told.map(({ text }) => text));
    lines.push(...notes.filter(({ text }) => !known.has(text)));
    told = idle ? notes : [];
  }
  const table = renderTable(
    [
      { title: 'STOP' },
      { title: 'PID', align: 'right' },
      { title: 'SERVER', min: 8, comfortable: 24, max: 40 },
      { title: 'MEMORY', align: 'right', dispensable: 1 },
      { title: 'AGE', align: 'right', dispensable: 2 },
      { title: 'WHY', min: 16 },
    ],
    lines,
    { width: options.width, paint },
  );
  const picked = candidates.filter(({ instance }) => chosen.has(instance.id));
  const sum =
    picked.length === 0
      ? 'Nothing is selected: only proven orphans are preselected. Name PIDs of this list to stop them.'
      : `${counted(picked.length, 'server')} selected; stopping frees up to ${memory(freedBytes(picked))}.`;
  return `${[...table, '', ...wrap(sum, options.width)].join('\n')}\n`;
}
