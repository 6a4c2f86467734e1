import { clientName } from '../../clients/clientTable.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { type Bill, billOf, billText } from '../../presentation/bill.ts';
import { driftOf, driftSummary } from '../../presentation/drift.ts';
import { memory } from '../../presentation/quantities.ts';
import { createPaint } from './paint.ts';
import type { ViewOptions } from './statusView.ts';
import { type Column, renderTable, type TableLine } from './table.ts';
import { clip, displayName, terminalText, wrap } from './text.ts';

/** What the servers of `status --by` are added up by. */
export const billGroups = ['client', 'server', 'package'] as const;
type BillGroup = (typeof billGroups)[number];

const longestName = 60;
const longestDrift = 400;

/** One row for each client process, server or package, the largest first, and the sum; by server also what clients configure differently. Ends in a line break. */
export function renderBill(snapshot: Snapshot, by: BillGroup, view: Pick<ViewOptions, 'width' | 'color'>): string {
  return `${costs(snapshot, by, view)}${by === 'server' ? drifts(snapshot, view) : ''}`;
}

/** "Configured differently", with a line for each server: which clients, and what differs. Empty when there is none. */
function drifts({ definitions }: Snapshot, { width, color }: Pick<ViewOptions, 'width' | 'color'>): string {
  const lines = driftOf(definitions).flatMap((drift) => {
    const text = clip(terminalText(`${displayName(drift.name)}: ${driftSummary(drift, clientName)}`), longestDrift);
    const [first = '', ...rest] = wrap(text, width - 4);
    return [first, ...rest.map((line) => `    ${line}`)];
  });
  return lines.length === 0 ? '' : `${['', createPaint(color)('strong', 'Configured differently'), ...lines].join('\n')}\n`;
}

function costs({ instances }: Snapshot, by: BillGroup, { width, color }: Pick<ViewOptions, 'width' | 'color'>): string {
  const groups = new Map<string, Instance[]>();
  for (const instance of instances) {
    const key = keyOf(instance, by);
    const group = groups.get(key);
    if (group) {
      group.push(instance);
    } else {
      groups.set(key, [instance]);
    }
  }
  if (groups.size === 0) {
    return 'No servers running.\n';
  }
  const bills = [...groups].map(([name, of]) => ({ name, bill: billOf(of) }));
  bills.sort((a, b) => b.bill.memoryBytes - a.bill.memoryBytes || (a.name < b.name ? -1 : 1));
  const columns: readonly Column[] = [
    { title: by.toUpperCase(), min: 10, max: longestName },
    ...['SERVERS', 'COPIES', 'MEMORY', 'IDLE', 'IDLE MEMORY'].map((title): Column => ({ title, align: 'right' })),
  ];
  const lines = bills.map(({ name, bill }) => row(name, bill));
  const paint = createPaint(color);
  const sum = billText(billOf(instances));
  return `${[...renderTable(columns, lines, { width, paint }), '', ...wrap(sum, width)].join('\n')}\n`;
}

function row(name: string, { servers, copies, memoryBytes, idle, idleBytes }: Bill): TableLine {
  const cells = [clip(terminalText(displayName(name)), longestName), servers, copies, memory(memoryBytes), idle, memory(idleBytes)];
  return { kind: 'row', cells: cells.map((text) => ({ text: String(text), tone: 'plain' })) };
}

function keyOf({ client, name, package: own }: Instance, by: BillGroup): string {
  switch (by) {
    case 'client':
      return client ? `${client.name} (PID ${client.pid})` : 'without a client';
    case 'server':
      return name;
    case 'package':
      return own?.name ?? 'package unknown';
  }
}
