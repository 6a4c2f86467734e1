import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { instanceTooltip } from '../../../../src/extension/display/instanceTooltip.ts';
import type { WindowFacts } from '../../../../src/extension/window/windowFacts.ts';
import type { Instance } from '../../../../src/model/snapshot.ts';
import { explanationOf } from '../../../../src/presentation/explanation.ts';
import { assertNames, assertOmits } from '../../../names.ts';
import { fullSnapshot } from '../../cli/fullSnapshot.ts';

const facts = { home: '/home/ada', pid: 1, clientId: 'vscode', busy: new Map() } as unknown as WindowFacts;
const full = fullSnapshot.instances[0] as Instance;
const now = Date.parse(full.startedAt) + 60_000;

describe('what a server has published', () => {
  // Markdown's escapes say nothing here.
  const tooltip = (instance: Instance): string => instanceTooltip(instance, undefined, facts, now).replaceAll('\\', '');
  const lines = (instance: Instance): string[] =>
    explanationOf(instance, fullSnapshot, { restart: '', home: '/home/ada' })
      .find(({ heading }) => heading === 'Published record')
      ?.rows.map(({ name, text }) => `${name}: ${text}`) ?? [];

  it('is explained line by line, with what keeps others away, and nothing is said where there is nothing', () => {
    assert.deepEqual(lines(full), [
      'name: "everything"',
      'state: running',
      'holds: ~/data',
      'guard: PID 4709, a relay; its session runs in the host, PID 4100',
      'trouble: it refused initialize: no database',
      `refused: 3 calls, the last at ${full.record?.refused?.at}: Not executed: it runs zod 3.25.0, installed is 4.1.0`,
      `idle since: ${full.record?.idleSince}`,
      'start: started when it was needed: tools/call needs it; idle, but not put to sleep: it has a child process (PID 9); 3 earlier sessions did not start it',
      'shared: no, this client has a server of its own: two clients got different answers to tools/list',
      'accepts: status, restart, stop',
      'record: 0123456789abcdef0123456789abcdef',
    ]);
    const { record, ...none } = full;
    assert.ok(record);
    assert.deepEqual(lines(none), []);
    const alone = { ...none, record: { ...record, state: 'compromised', exclusion: 'none' } } as const;
    assert.match(lines(alone).join('\n'), /lock file was replaced.*\nholds: ~\/data \(.+\)/);
  });

  it('B22 B26 stands in the tooltip: what the guard refused, why it has no new server, and since when it gets no calls', () => {
    const shown = tooltip(full);
    assertNames(shown, 'no database.');
    assertNames(shown, 'refused 3 calls.', 'zod');
    assert.match(shown, /No calls since \d{4}-/);
    const { idleSince: _, problem: __, refused: ___, ...quiet } = full.record ?? assert.fail();
    assertOmits(tooltip({ ...full, record: quiet }), 'refused', 'could not restart', 'No calls');
  });

  it('stands in the tooltip: what it holds, and whose word the versions are', () => {
    assertNames(tooltip(full), 'Holds ~/data.', 'PID 4709');
    const { record, ...none } = full;
    assert.ok(record && none.package);
    assertOmits(tooltip(none), 'Holds');
    const { guardPid: _, ...own } = record;
    assertNames(tooltip({ ...none, record: { ...own, exclusion: 'none' } }), 'Uses ~/data', 'the server itself');
    const { origin: __, ...inferred } = none.package;
    assertOmits(tooltip({ ...none, record, package: inferred }), 'reported by');
  });
});
