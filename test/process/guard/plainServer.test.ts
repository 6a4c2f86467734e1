import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { until } from '../../until.ts';
import { buildPrograms } from '../cli/bundle.ts';
import { run } from '../package/command.ts';
import { GuardHome, publishedGuards, type RawClient, resultText, stalePackages } from './guardedServer.ts';

/** A server without any SDK: it answers each request with its version. A version that ends in 666 does not start. */
const program = `
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));
if (version.endsWith('666')) process.exit(5);
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line);
  const result = method === 'initialize'
    ? { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'notes', version } }
    : { content: [{ type: 'text', text: version }] };
  if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
});
`;

describe('guard: a package in which nothing speaks of MCP', function () {
  this.timeout(60_000);
  let programs: string;
  let home: GuardHome;
  let shared: GuardHome;
  before(async () => {
    shared = new GuardHome();
    programs = shared.path('programs');
    mkdirSync(programs);
    await buildPrograms(programs);
  });
  beforeEach(() => {
    home = new GuardHome();
    mkdirSync(join(home.root, 'node_modules', 'notes'), { recursive: true });
    writeFileSync(join(home.root, 'node_modules', 'notes', 'index.js'), program);
    install('1.0.0');
  });
  afterEach(() => home.clean());
  after(() => shared.clean());

  function install(version: string): void {
    const text = JSON.stringify({ name: 'notes', version, type: 'module', main: 'index.js' });
    writeFileSync(join(home.root, 'node_modules', 'notes', 'package.json'), text);
  }

  async function guarded(...options: string[]): Promise<RawClient> {
    const server = [process.execPath, join(home.root, 'node_modules', 'notes', 'index.js')];
    const client = home.start(process.execPath, [join(programs, 'guard.cjs'), '--write-tools', 'write', ...options, '--', ...server]);
    await client.handshake();
    assert.equal(await client.text('write'), '1.0.0');
    return client;
  }

  it('is listed because it is guarded, and the command that the refusal names restarts it', async () => {
    const client = await guarded('--on-stale', 'refuse-writes');
    await until('it is published', () => publishedGuards(home.run).some(({ control }) => control));
    install('1.1.0');
    const command = / run "([^"]+)"/.exec(await client.text('write'))?.[1] ?? '';
    const printed = await run('sh', ['-c', `${command} 2>&1 || true`], { cwd: home.root, env: home.env });
    assert.ok(printed.includes(' was restarted by its guard') && printed.includes('1.1.0'), printed);
    assert.equal(await client.text('write'), '1.1.0');
  });

  it('A30 --on-stale restart: a version that does not start is the reason in the answer to the waiting call; with --overlap the old one still serves', async () => {
    const stopped = await guarded('--on-stale', 'restart');
    const kept = await guarded('--on-stale', 'restart', '--overlap');
    install('1.0.666');
    assert.ok((await stopped.text('write')).includes('exit code 5'));
    const refused = await kept.call('write');
    assert.deepEqual(stalePackages(refused), ['notes 1.0.0 1.0.666 upgrade']);
    assert.ok(resultText(refused).includes('exit code 5'), resultText(refused));
    install('1.1.0');
    await until('it is brought back', async () => (await stopped.text('write')) === '1.1.0');
    assert.equal(await kept.text('write'), '1.1.0');
  });
});
