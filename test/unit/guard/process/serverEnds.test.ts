import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { ServerErrors } from '../../../../src/guard/process/serverErrors.ts';

type Mark = { readonly last: readonly { at: string; code?: number; signal?: string }[]; readonly errors: readonly string[] };

describe('what a guarded server writes to standard error, and how it ends', () => {
  const secret = 'a-token-that-nobody-may-see-0123456789';
  let passed = '';
  const marks: Mark[] = [];
  let errors: ServerErrors;
  let runDir = '';
  beforeEach(() => {
    runDir = mkdtempSync(join(tmpdir(), 'ends-'));
    passed = '';
    marks.length = 0;
    errors = openErrors(runDir);
  });
  afterEach(() => rmSync(runDir, { recursive: true, force: true }));
  const passErrors = (bytes: Buffer): void => {
    passed += bytes.toString();
  };
  const openErrors = (folder: string): ServerErrors =>
    new ServerErrors({ command: 'node', args: [], runDir: folder }, { env: { ENDS_TEST_TOKEN: secret }, pid: 77, passErrors });
  const mark = (value: unknown): void => void marks.push(value as Mark);
  const endAfter = async (...chunks: (string | Buffer)[]): Promise<Mark | undefined> => {
    const output = new PassThrough();
    errors.take(output);
    for (const chunk of chunks) {
      output.write(chunk);
    }
    output.end();
    await errors.crashed({ code: 3, signal: null }, mark);
    await errors.ended();
    return marks.at(-1);
  };
  const logs = (): string[] => readdirSync(join(runDir, 'shepherd', 'logs')).sort();
  const read = (name: string | undefined): string => readFileSync(join(runDir, 'shepherd', 'logs', name ?? ''), 'utf8');

  it('the ends are kept with exit code or signal; what the server wrote is passed on, and its last five lines are kept', async () => {
    await errors.crashed({ code: null, signal: 'SIGSEGV' }, mark);
    assert.deepEqual([marks[0]?.last[0]?.signal, marks[0]?.errors], ['SIGSEGV', []]);
    const text = 'one\ntwo\n\nthree\nfour\nfive\nsix\n';
    const last = await endAfter(text);
    assert.equal(passed, text);
    assert.deepEqual(last?.errors, ['two', 'three', 'four', 'five', 'six']);
    assert.equal(last.last.at(-1)?.code, 3);
    for (let at = 0; at < 20; at++) {
      await errors.crashed({ code: at, signal: null }, mark);
    }
    assert.deepEqual([marks.at(-1)?.last.length, marks.at(-1)?.last.at(-1)?.code], [10, 19]);
  });

  it('they hold no secret, no control character and no long line, also where a line is cut', async () => {
    const last = await endAfter(`\u001b[31mred\u0007 ${secret}\n${'x'.repeat(290)}${secret}\n`);
    assert.equal(last?.errors.length, 2);
    for (const line of last?.errors ?? []) {
      assert.ok(line.length <= 300);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that none is there is the point
      assert.doesNotMatch(line, /[\u0000-\u001f]|a-token/);
    }
    // Of the first line only the end was kept.
    const cut = await endAfter(`${'y'.repeat(20)}${secret}${'z'.repeat(8_192 - 20)}\nthe last\n`);
    assert.deepEqual(cut?.errors, ['the last']);
  });

  it('the end of it is kept in a private file, without the secrets of the environment, also where a chunk ends inside of one', async () => {
    const [begin, end] = [secret.slice(0, 9), secret.slice(9)];
    await endAfter(`first ${begin}`, `${end}\ncaf`, Buffer.from([0xc3]), Buffer.from([0xa9]), '\nwithout an end');
    const [name, ...others] = logs();
    assert.deepEqual(others, []);
    assert.match(name ?? '', /^guard-[0-9a-f]{16}-77-\d+\.log$/);
    assert.equal(read(name).replace(/first .*/, 'first'), 'first\ncafé\nwithout an end\n');
    assert.ok(!read(name).includes(end));
    assert.equal(statSync(join(runDir, 'shepherd', 'logs', name ?? '')).mode & 0o777, 0o600);
  });

  it('of a lot of it at most 256 kB are kept, with the last lines', async () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index} ${'x'.repeat(40)}\n`);
    await endAfter(...lines);
    const names = logs();
    assert.equal(names.length, 2);
    const sizes = names.map((name) => read(name).length);
    assert.ok(sizes.every((size) => size <= 128 * 1024) && Math.max(...sizes) > 100_000, `${sizes}`);
    const kept = names
      .map(read)
      .sort((a, b) => Number(a.split(' ')[1]) - Number(b.split(' ')[1]))
      .join('');
    assert.ok(lines.join('').endsWith(kept.slice(kept.indexOf('\n') + 1)));
  });

  it('nothing is kept of a server that writes nothing, and where the run folder is not usable; what it writes is passed on', async () => {
    await endAfter();
    assert.deepEqual(readdirSync(runDir), []);
    // A file in the place of a folder.
    errors = openErrors(join(runDir, 'a-file'));
    writeFileSync(join(runDir, 'a-file'), '');
    await endAfter('text\n');
    assert.equal(passed, 'text\n');
    assert.deepEqual(readdirSync(runDir), ['a-file']);
  });
});
