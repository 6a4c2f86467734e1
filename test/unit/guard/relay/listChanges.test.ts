import assert from 'node:assert/strict';
import { listChanges } from '../../../../src/guard/relay/listChanges.ts';
import type { ServerAnswer, ServerLink } from '../../../../src/guard/relay/serverLink.ts';
import { ListPages, listDigest, SessionMemory } from '../../../../src/guard/relay/sessionMemory.ts';

const list = { tools: [{ name: 'read', annotations: { readOnlyHint: true } }] };

/** A client of the first era that has the list of tools. */
function memoryWith(digest: string): SessionMemory {
  const memory = new SessionMemory();
  memory.initialize = {};
  memory.lists.set('tools/list', digest);
  return memory;
}

async function told(digest: string, answer: ServerAnswer): Promise<{ lines: string[]; seen: unknown[] }> {
  const seen: unknown[] = [];
  const link = { ask: async () => answer } as unknown as ServerLink;
  const lines = await listChanges(link, memoryWith(digest), (result) => seen.push(result));
  return { lines: lines.map(String), seen };
}

describe('lists after a restart', () => {
  it('the same list is not announced, and its tools are known again', async () => {
    assert.deepEqual(await told(listDigest('tools/list', list), { status: 'result', result: list }), { lines: [], seen: [list] });
  });

  it('another one is announced', async () => {
    const { lines, seen } = await told('other', { status: 'result', result: list });
    assert.match(lines.join(), /^\{"jsonrpc":"2\.0","method":"notifications\/tools\/list_changed"\}\n$/);
    assert.deepEqual(seen, [list]);
  });

  it('a list is not announced by servers that end before they give it, and the next server is compared with what the client has', async () => {
    const memory = memoryWith(listDigest('tools/list', list));
    const answers: ServerAnswer[] = [
      ...Array.from({ length: 5 }, () => ({ status: 'silent', reason: 'it ended' }) as const),
      { status: 'result', result: list },
      { status: 'result', result: { tools: [] } },
    ];
    const announced: number[] = [];
    for (const answer of answers) {
      const link = { ask: async () => answer } as unknown as ServerLink;
      announced.push((await listChanges(link, memory, () => undefined)).length);
    }
    assert.deepEqual(announced, [0, 0, 0, 0, 0, 0, 1]);
  });

  it('a list that the server refuses to give is another one: that is announced once, and so is the list when it is back', async () => {
    const memory = memoryWith(listDigest('tools/list', list));
    const refused: ServerAnswer = { status: 'error', message: 'Method not found', code: -32_601 };
    const announced: number[] = [];
    for (const answer of [
      refused,
      refused,
      { status: 'result', result: list },
      { status: 'result', result: list },
    ] satisfies ServerAnswer[]) {
      const link = { ask: async () => answer } as unknown as ServerLink;
      announced.push((await listChanges(link, memory, () => undefined)).length);
    }
    assert.deepEqual(announced, [1, 0, 1, 0]);
  });

  it('pages make the same list as one piece; one that is missing, or comes out of turn, makes none', () => {
    const tools = [{ name: 'a' }, { name: 'b,"c' }, { name: 'd' }];
    const digest = (...pages: [cursor: unknown, result: { tools: unknown[]; nextCursor?: string }][]): string | undefined => {
      const sum = new ListPages('tools/list');
      return pages.map(([cursor, result]) => sum.add(cursor, result)).at(-1);
    };
    const first = { tools: tools.slice(0, 2), nextCursor: '2' };
    const last = { tools: tools.slice(2) };
    assert.equal(digest([undefined, { tools }]), listDigest('tools/list', { tools }));
    assert.equal(digest([undefined, first], ['2', last]), listDigest('tools/list', { tools }));
    assert.equal(digest([undefined, { tools: [], nextCursor: '2' }], ['2', { tools }]), listDigest('tools/list', { tools }));
    assert.equal(digest([undefined, { tools: [] }]), listDigest('tools/list', { tools: [] }));
    // A list so large that only its hash is kept.
    const [large, larger] = [first, last].map((page) => ({ ...page, tools: [{ name: 'large', description: 'x'.repeat(200_000) }] }));
    assert.ok(large && larger);
    const whole = { tools: [...large.tools, ...larger.tools] };
    assert.equal(digest([undefined, large], ['2', larger]), listDigest('tools/list', whole));
    assert.equal(listDigest('tools/list', whole).length, 64);
    assert.notEqual(listDigest('tools/list', { tools: [...large.tools, ...large.tools, ...large.tools] }), listDigest('tools/list', whole));
    assert.equal(digest([undefined, first]), undefined);
    assert.equal(digest(['2', last]), undefined);
    assert.equal(digest([undefined, first], ['3', last], ['2', last]), undefined);
  });

  it('one that came in pages, or that the server does not give, makes no tool known', async () => {
    const paged = { ...list, nextCursor: 'p2' };
    assert.deepEqual((await told(listDigest('tools/list', list), { status: 'result', result: paged })).seen, []);
    assert.deepEqual((await told('other', { status: 'silent', reason: 'it ended' })).seen, []);
  });
});
