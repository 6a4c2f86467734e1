import { freedBytes, type PruneCandidate, pruneHeadings } from '../../action/plan/pruneCandidates.ts';
import { counted, duration, memory } from '../../presentation/quantities.ts';
import { createPaint } from './paint.ts';
import type { ViewOptions } from './statusView.ts';
import { renderTable, type TableLine } from './table.ts';
import { terminalText, wrap } from './text.ts';

/** At the beginning of a line. */
function heading(kind: PruneCandidate['class']): string {
  const words = pruneHeadings[kind];
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What could be ended, in groups; what is chosen has a mark. */
export function renderPrune(candidates: readonly PruneCandidate[], chosen: ReadonlySet<string>, options: ViewOptions): string {
  if (candidates.length === 0) {
    return 'Nothing was left behind, and nothing runs twice.\n';
  }
  const paint = createPaint(options.color);
  const lines: TableLine[] = [];
  let group = '';
  for (const candidate of candidates) {
    if (candidate.class !== group) {
      lines.push(...(group === '' ? [] : [{ kind: 'space' } as const]), { kind: 'heading', text: heading(candidate.class) });
      group = candidate.class;
    }
    const { instance, why, plan } = candidate;
    lines.push({
      kind: 'row',
      cells: [
        { text: chosen.has(instance.id) ? '[x]' : '[ ]', tone: chosen.has(instance.id) ? 'strong' : 'dim' },
        { text: String(instance.pid) },
        { text: terminalText(instance.name), tone: 'strong' },
        { text: memory(instance.memoryBytes) },
        { text: duration(options.now - Date.parse(instance.startedAt)) },
        { text: terminalText(why) },
      ],
    });
    lines.push({
      kind: 'note',
      text: terminalText(`${instance.command}${instance.tree.length > 1 ? ` (with PID ${instance.tree.slice(1).join(', ')})` : ''}`),
    });
    lines.push(...plan.risks.map((risk): TableLine => ({ kind: 'note', text: terminalText(`Mind: ${risk}`), tone: 'warning' })));
  }
  const table = renderTable(
    [
      { title: 'END' },
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
      ? 'Nothing is chosen: only what is proven to be left behind is chosen by itself. Name PIDs of this list to end them.'
      : `${counted(picked.length, 'server')} chosen, up to ${memory(freedBytes(picked))} would be freed.`;
  return `${[...table, '', ...wrap(sum, options.width)].join('\n')}\n`;
}
