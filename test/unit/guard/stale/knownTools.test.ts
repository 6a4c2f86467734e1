import { deepEqual, equal } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { KnownTools } from '../../../../src/guard/stale/knownTools.ts';

const reader = { name: 'read', annotations: { readOnlyHint: true } };
const writer = { name: 'write', annotations: { readOnlyHint: false } };
const book = (writeTools: readonly string[] = [], readTools: readonly string[] = []): KnownTools =>
  new KnownTools({ writeTools, readTools });

describe('ToolBook', () => {
  it('A26 takes readOnlyHint: true alone for reading', () => {
    const tools = book();
    const odd = [
      undefined,
      null,
      [],
      'x',
      { readOnlyHint: 'true' },
      { readOnlyHint: 1 },
      { destructiveHint: false },
      { idempotentHint: true },
    ];
    tools.sawPage({ tools: [reader, writer, ...odd.map((annotations, index) => ({ name: `odd${index}`, annotations }))] });
    deepEqual(
      ['read', 'write', ...odd.map((_, index) => `odd${index}`)].map((name) => tools.kindOf(name)),
      ['read', 'write', ...odd.map(() => 'write')],
    );
    equal(tools.kindOf('other'), 'unknown');
  });

  it('A26 believes the user before the server, and writing before reading', () => {
    const tools = book(['read', 'both'], ['write', 'both']);
    tools.sawPage({ tools: [reader, writer] });
    deepEqual(
      ['read', 'write', 'both'].map((name) => tools.kindOf(name)),
      ['write', 'read', 'write'],
    );
    tools.listChanged();
    deepEqual(
      ['read', 'write'].map((name) => tools.kindOf(name)),
      ['write', 'read'],
    );
  });

  it('A26 forgets all when the list changed', () => {
    const tools = book();
    tools.sawPage({ tools: [reader] });
    tools.listChanged();
    equal(tools.kindOf('read'), 'unknown');
    tools.sawPage({ tools: [{ name: 'read' }] });
    equal(tools.kindOf('read'), 'write');
  });

  it('asks page by page, and knows then what is absent', async () => {
    const tools = book();
    const cursors: unknown[] = [];
    const pages: Record<string, unknown> = { '': { tools: [reader], nextCursor: 'p2' }, p2: { tools: [writer] } };
    equal(
      await tools.ask(async ({ cursor = '' }) => {
        cursors.push(cursor);
        return pages[cursor];
      }),
      true,
    );
    deepEqual(cursors, ['', 'p2']);
    deepEqual(
      ['read', 'write', 'none'].map((name) => tools.kindOf(name)),
      ['read', 'write', 'absent'],
    );
    equal(tools.allRead, false);
  });

  it('keeps what it knew when the server gives no list', async () => {
    const tools = book();
    tools.sawPage({ tools: [reader] });
    for (const answer of [undefined, null, {}, { tools: 'x' }, []]) {
      equal(await tools.ask(async () => answer), false);
    }
    equal(await tools.ask(() => Promise.reject(new Error('no answer'))), false);
    equal(await tools.ask(async () => ({ tools: [], nextCursor: 'again' })), false);
    deepEqual(
      ['read', 'none'].map((name) => tools.kindOf(name)),
      ['read', 'unknown'],
    );
  });

  it('takes no list that changed while it was read', async () => {
    const tools = book();
    const asked = await tools.ask(async ({ cursor }) => {
      if (cursor === undefined) {
        tools.listChanged();
      }
      return { tools: [reader] };
    });
    deepEqual([asked, tools.kindOf('read')], [false, 'unknown']);
  });

  it('knows when all tools only read', async () => {
    const tools = book();
    equal(tools.allRead, false);
    await tools.ask(async () => ({ tools: [reader] }));
    equal(tools.allRead, true);
  });

  it('knows it from the client’s own list too, when that came in one piece; no other tool is absent by it', () => {
    const tools = book();
    tools.sawPage({ tools: [reader], nextCursor: 'p2' }, true);
    equal(tools.allRead, false);
    tools.sawPage({ tools: [reader] }, false);
    equal(tools.allRead, false);
    tools.sawPage({ error: 'none' }, true);
    equal(tools.allRead, false);
    tools.sawPage({ tools: [reader] }, true);
    equal(tools.allRead, true);
    equal(tools.kindOf('none'), 'unknown');
    tools.listChanged();
    equal(tools.allRead, false);
    tools.sawPage({ tools: [reader, writer] }, true);
    equal(tools.allRead, false);
  });
});
