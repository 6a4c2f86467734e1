import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { ServerEnds } from '../../../../src/guard/process/serverEnds.ts';

type Mark = { readonly last: readonly { at: string; code?: number; signal?: string }[]; readonly errors: readonly string[] };

describe('the ends of a guarded server', () => {
  const secret = 'a-token-that-nobody-may-see-0123456789';
  const write = process.stderr.write;
  let passed = '';
  const marks: Mark[] = [];
  let ends: ServerEnds;
  beforeEach(() => {
    process.env.ENDS_TEST_TOKEN = secret;
    passed = '';
    marks.length = 0;
    ends = new ServerEnds({ command: 'node', args: [] }, (mark) => marks.push(mark as Mark));
    process.stderr.write = ((bytes: Buffer) => {
      passed += bytes.toString();
      return true;
    }) as typeof write;
  });
  afterEach(() => {
    process.stderr.write = write;
    delete process.env.ENDS_TEST_TOKEN;
  });
  const endAfter = async (text: string): Promise<Mark | undefined> => {
    const output = new PassThrough();
    ends.errors(output);
    output.end(text);
    await ends.note({ code: 3, signal: null }, 1_790_000_000_000);
    return marks.at(-1);
  };

  it('are kept with exit code or signal; what the server wrote is passed on, and its last five lines are kept', async () => {
    await ends.note({ code: null, signal: 'SIGSEGV' }, 1_790_000_000_000);
    assert.deepEqual([...marks], [{ last: [{ at: '2026-09-21T14:13:20.000Z', signal: 'SIGSEGV' }], errors: [] }]);
    const text = 'one\ntwo\n\nthree\nfour\nfive\nsix\n';
    const mark = await endAfter(text);
    assert.equal(passed, text);
    assert.deepEqual(mark?.errors, ['two', 'three', 'four', 'five', 'six']);
    assert.deepEqual(mark.last.at(-1), { at: '2026-09-21T14:13:20.000Z', code: 3 });
    for (let at = 0; at < 20; at++) {
      await ends.note({ code: at, signal: null }, 1_790_000_000_000);
    }
    assert.deepEqual([marks.at(-1)?.last.length, marks.at(-1)?.last.at(-1)?.code], [10, 19]);
  });

  it('hold no secret, no control character and no long line, also where a line is cut', async () => {
    const mark = await endAfter(`\u001b[31mred\u0007 ${secret}\n${'x'.repeat(190)}${secret}\n`);
    assert.equal(mark?.errors.length, 2);
    for (const line of mark?.errors ?? []) {
      assert.ok(line.length <= 200);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that none is there is the point
      assert.doesNotMatch(line, /[\u0000-\u001f]|a-token/);
    }
    // Of the first line only the end was kept.
    const cut = await endAfter(`${'y'.repeat(20)}${secret}${'z'.repeat(8_192 - 20)}\nthe last\n`);
    assert.deepEqual(cut?.errors, ['the last']);
  });
});
