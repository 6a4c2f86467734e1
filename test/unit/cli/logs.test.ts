import assert from 'node:assert/strict';
import { appendFileSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { keptLogs, keptOutput, logFileName } from '../../../src/action/ensure/keptLogs.ts';
import { runCommandLine } from '../../../src/cli/runCommandLine.ts';
import type { Shell } from '../../../src/cli/terminal.ts';
import { redacted } from '../../../src/redaction/secretShapes.ts';
import { assertNames, assertOmits } from '../../names.ts';
import { until } from '../../until.ts';

describe('logs', () => {
  let folder = '';
  let logs = '';
  let printed = '';
  let ended: AbortController;
  let shell: Shell;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'logs-'));
    logs = join(folder, 'shepherd', 'logs');
    mkdirSync(logs, { recursive: true, mode: 0o700 });
    printed = '';
    ended = new AbortController();
    const output = {
      isTty: false,
      size: () => undefined,
      write(text: string): void {
        printed += text;
      },
    };
    shell = {
      stdout: output,
      stderr: output,
      env: { API_TOKEN: 'hunter2-hunter2' },
      cwd: folder,
      home: folder,
      platform: process.platform,
      now: Date.now,
      ended: ended.signal,
      endOnSignals() {},
      onResize: () => () => undefined,
    };
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const write = (name: string, port: number, text: string): void =>
    writeFileSync(join(logs, logFileName(name, port)), text, { mode: 0o600 });
  const run = (...args: string[]): Promise<number> => runCommandLine(['logs', ...args, '--run-dir', folder], shell);

  it('prints the last lines, harmless for a terminal and without secrets', async () => {
    write('api', 4000, 'one\ntwo \u001b[2J\nkey hunter2-hunter2\n');
    write('api-2', 4000, 'of another server\n');
    assert.equal(await run('api', '--lines', '2'), 0);
    const lines = printed.trimEnd().split('\n');
    assert.deepEqual([lines.length, lines[0]], [2, 'two \\x1b[2J']);
    assertOmits(printed, 'hunter2', 'another');
  });

  it('names the file where a server has several, and gives them as JSON', async () => {
    write('api', 4000, 'a\n');
    write('api', 4001, 'b');
    await run('api');
    assertNames(printed, logFileName('api', 4000), logFileName('api', 4001));
    printed = '';
    await run('api', '--json');
    const { logs: given } = JSON.parse(printed);
    assert.deepEqual(
      given.map(({ port, lines }: { port: number; lines: string[] }) => [port, lines]),
      [
        [4000, ['a']],
        [4001, ['b']],
      ],
    );
  });

  it('reads at most the last 64 kB, and no incomplete line of it', async () => {
    write('big', 4000, `${'x'.repeat(100_000)}\nlast\n`);
    await run('big');
    assert.equal(printed, 'last\n');
  });

  it('-f goes on with what is written, also after a new start, until it is ended', async () => {
    const file = join(logs, logFileName('api', 4000));
    write('api', 4000, 'first\n');
    const running = run('api', '-f');
    await until('the first line', () => printed === 'first\n');
    appendFileSync(file, 'second\nnot whole');
    await until('the second line', () => printed === 'first\nsecond\n');
    writeFileSync(file, 'new\n');
    await until('the line of the new start', () => printed.endsWith('new\n'));
    ended.abort();
    assert.equal(await running, 0);
  });

  it('reads no link and no file of another user', async function () {
    const file = join(logs, logFileName('api', 4000));
    write('other', 4000, 'linked\n');
    symlinkSync(join(logs, logFileName('other', 4000)), file);
    assert.equal(await run('api'), 0);
    assert.equal(printed, '');
    if (process.geteuid?.() !== 0) {
      this.skip();
    }
    chownSync(join(logs, logFileName('other', 4000)), 12_345, 12_345);
    await run('other');
    assert.equal(printed, '');
  });

  it('shows no part of a secret where the text is cut', async () => {
    const keyLines = Array.from({ length: 1_200 }, (_, index) => `MIICANARY${String(index).padStart(56, '0')}`).join('\n');
    write('cut', 4000, `-----BEGIN RSA PRIVATE KEY-----\n${keyLines}\n-----END RSA PRIVATE KEY-----\nlast\n`);
    await run('cut');
    assertOmits(printed, 'CANARY');
    assertNames(printed, 'last');

    printed = '';
    const file = join(logs, logFileName('api', 4000));
    write('api', 4000, 'first\npassword=');
    const running = run('api', '-f');
    await until('the first line', () => printed === 'first\n');
    appendFileSync(file, 'canary-word\n-----BEGIN PRIVATE KEY-----\nMIICANARY1\n');
    await until('the beginning of the key', () => printed.split('\n').length > 3);
    appendFileSync(file, 'MIICANARY2\n');
    appendFileSync(file, '-----END PRIVATE KEY-----\nlast\n');
    await until('the last line', () => printed.endsWith('last\n'));
    ended.abort();
    await running;
    assertOmits(printed, 'CANARY', 'canary');
  });

  it('-f hides a secret whose name was the last line before', async () => {
    const file = join(logs, logFileName('api', 4000));
    write('api', 4000, '--password\n');
    const running = run('api', '-f');
    await until('the name', () => printed === '--password\n');
    appendFileSync(file, 'canary-word\nnext\n');
    await until('the next line', () => printed.endsWith('next\n'));
    ended.abort();
    await running;
    assert.equal(printed, `--password\n${redacted}\nnext\n`);
  });

  it('says that nothing is kept, and reads no folder that others may write', async () => {
    assert.equal(await run('api'), 2);
    assertNames(printed, 'api');
    write('api', 4000, 'secret of others\n');
    const real = join(folder, 'elsewhere');
    mkdirSync(real, { mode: 0o700 });
    writeFileSync(join(real, logFileName('api', 4000)), 'linked\n');
    rmSync(logs, { recursive: true });
    symlinkSync(real, logs);
    printed = '';
    assert.equal(await run('api'), 2);
    assertOmits(printed, 'linked');
    assert.equal(await run('api', '-f', '--json'), 2);
  });

  it('the editor gets the same end, without secrets, also of a key that begins before it', () => {
    writeFileSync(
      join(logs, logFileName('notes', 8700)),
      `${'x'.repeat(70_000)}\nMIIEsecretkey\n-----END PRIVATE KEY-----\nlogged in with hunter2-hunter2\n`,
    );
    const shown = keptOutput(keptLogs(folder, 'notes')[0] ?? assert.fail(), shell.env) ?? '';
    assertNames(shown, 'logged in with');
    assertOmits(shown, 'hunter2-hunter2', 'MIIEsecretkey');
    assert.ok(shown.length < 65_600);
    assert.equal(keptOutput({ file: join(folder, 'none') }, {}), undefined);
  });
});
