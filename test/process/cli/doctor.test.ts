import { deepEqual, equal } from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { assertNames, assertOmits } from '../../names.ts';
import { buildCli, type Ended, RunningCli } from './bundle.ts';

describe('doctor of the bundle', function () {
  this.timeout(60_000);
  const secret = 'Zx9qL2mV7tR4';
  let folder = '';
  let bundle = '';
  let file = '';
  let text = '';
  const bin = (): string => join(folder, '.local', 'bin');
  const run = (...args: string[]): Promise<Ended> => {
    const env = { PATH: `${bin()}:${process.env.PATH}`, HOME: folder, MCP_RUN_DIR: join(folder, 'run'), NO_COLOR: '1' };
    return new RunningCli(process.execPath, bundle, ['doctor', ...args], { cwd: folder, env }).ended();
  };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cli-doctor-'));
    bundle = await buildCli(folder);
    mkdirSync(bin(), { recursive: true });
    writeFileSync(join(bin(), 'uvx'), '');
    chmodSync(join(bin(), 'uvx'), 0o755);
    const fetch = { command: join(folder, 'installs', 'uv', '0.8.1', 'uvx'), args: ['mcp-server-fetch'], env: { FETCH_TOKEN: secret } };
    file = join(folder, '.cursor', 'mcp.json');
    text = `// mine\n${JSON.stringify({ mcpServers: { fetch, gone: { command: '/nowhere/at/all' } } }, undefined, 2)}\n`;
    mkdirSync(join(folder, '.cursor'));
    writeFileSync(file, text);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('says which entries cannot work, with line, and no value', async () => {
    const { stdout, code } = await run('--json');
    const health: { kind: string; name: string; line: number }[] = JSON.parse(stdout).health;
    deepEqual(
      [code, health.map(({ kind, name, line }) => [kind, name, line])],
      [
        0,
        [
          ['command-missing', 'fetch', 4],
          ['command-missing', 'gone', 13],
          ['plain-secret', 'fetch', 4],
          ['unpinned', 'fetch', 4],
        ],
      ],
    );
    assertNames(stdout, 'FETCH_TOKEN');
    assertOmits(stdout, secret);
  });

  it('writes nothing without an answer, and with --yes one word', async () => {
    const asked = await run('--fix');
    equal(asked.code, 3, asked.stderr);
    assertNames(asked.stdout, join(bin(), 'uvx'));
    assertOmits(asked.stdout, secret);
    equal(readFileSync(file, 'utf8'), text);
    const written = await run('--fix', '--yes');
    equal(written.code, 0, written.stderr);
    equal(readFileSync(file, 'utf8'), text.replace(join(folder, 'installs', 'uv', '0.8.1', 'uvx'), join(bin(), 'uvx')));
  });
});
