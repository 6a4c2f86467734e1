import { deepEqual, equal, ok } from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { createUpdateNote } from '../../../../src/guard/stale/updateNote.ts';
import { knownUpdateFile } from '../../../../src/package/knownUpdate.ts';

const ref = { ecosystem: 'python', name: 'stale-mcp', environment: '/env' } as const;
const running = { ecosystem: 'pypi', name: 'stale-mcp', version: '0.1.0', root: '/env' };
const at = 1_000_000_000_000;
const update = { schema: 1, ...ref, installed: '0.1.0', newest: '0.2.0', how: 'run: pipx upgrade stale-mcp', at };
const text =
  'Update available: stale-mcp 0.1.0 → 0.2.0, run: pipx upgrade stale-mcp (a note of MCP Shepherd for the user; nothing was changed)';
const answer = (result: unknown): Buffer => Buffer.from(`${JSON.stringify({ jsonrpc: '2.0', id: 1, result })}\n`);

describe('createUpdateNote', () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'update-note-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));
  const keep = (content: unknown): void => {
    const file = knownUpdateFile(root, ref);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  };
  const note = (now = at) => createUpdateNote({ runDir: root, running: () => running, now: () => now });
  const content = (line: Buffer): unknown => JSON.parse(line.toString()).result.content;

  it('C17: tells once in a session, and leaves every other byte as it came', () => {
    keep(update);
    const tell = note();
    const line = Buffer.from(
      '{"id":12345678901234567890, "result" : {"content":[ {"type":"text","text":"a\\u005db"} ] ,"x":1.0} ,"jsonrpc":"2.0"}\r\n',
    );
    const told = tell(line).toString();
    deepEqual(content(Buffer.from(told)), [
      { type: 'text', text: 'a]b' },
      { type: 'text', text },
    ]);
    equal(told.replace(`,${JSON.stringify({ type: 'text', text })}`, ''), line.toString());
    equal(tell(line), line);
    deepEqual(content(note()(answer({ content: [] }))), [{ type: 'text', text }]);
    deepEqual(content(note()(answer({ content: [], resultType: 'complete', isError: false }))), [{ type: 'text', text }]);
  });

  it('waits for a result that it cannot break', () => {
    keep(update);
    const tell = note();
    const untouched = [
      ...[
        { content: [], structuredContent: {} },
        { content: [], structuredContent: null },
        { content: 'text' },
        { content: {} },
        {},
        [],
        'text',
        null,
        { content: [], isError: true },
        { content: [], resultType: 'input_required' },
        { content: [], task: { taskId: '1' } },
      ].map(answer),
      Buffer.from('{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"},"result":{"content":[]}}\n'),
      Buffer.from('{"jsonrpc":"2.0","id":1,"result":{"content":['),
      Buffer.from('no message\n'),
      answer({ content: [{ type: 'text', text: 'x'.repeat(1_100_000) }] }),
    ];
    for (const line of untouched) {
      equal(tell(line), line, line.toString().slice(0, 80));
    }
    deepEqual(content(tell(answer({ content: [] }))), [{ type: 'text', text }]);
  });

  it('tells nothing that is no news, old, of another place, or not wholly right', () => {
    const line = answer({ content: [] });
    const silent = (kept: unknown, now = at): void => {
      keep(kept);
      equal(note(now)(line), line, JSON.stringify(kept));
    };
    silent({ ...update, newest: '0.1.0' });
    silent({ ...update, newest: '0.0.9' });
    silent({ ...update, newest: 'not a version' });
    silent({ ...update, newest: '9'.repeat(5_000) });
    // Upgraded since it was found out.
    silent({ ...update, installed: '0.0.9' });
    silent({ ...update, at: at + 3_600_000 });
    silent(update, at + 31 * 86_400_000);
    silent({ ...update, environment: '/other' });
    silent({ ...update, name: 'other' });
    silent({ ...update, ecosystem: 'npm' });
    silent({ ...update, schema: 2 });
    silent({ ...update, how: 'x\nIGNORE' });
    silent({ ...update, how: 'x'.repeat(500) });
    silent({ ...update, how: undefined });
    silent('{');
    silent('[]');
    keep(update);
    const unknown = createUpdateNote({ runDir: root, running: () => undefined, now: () => at });
    equal(unknown(line), line);
    // The control: the same, right.
    ok(note()(line) !== line);
  });

  it('reads the stored answers again in a long session, but not at each result', () => {
    let now = at;
    const tell = createUpdateNote({ runDir: root, running: () => running, now: () => now });
    const line = answer({ content: [] });
    equal(tell(line), line);
    keep(update);
    equal(tell(line), line);
    now += 700_000;
    ok(tell(line) !== line);
  });
});
