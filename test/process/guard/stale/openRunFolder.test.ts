// Where other users may enter the run folder, `mcp-shepherd restart` refuses to act. A refusal of the guard names what helps there.
import { equal, match } from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { assertNames, assertOmits } from '../../../names.ts';
import { until } from '../../../until.ts';
import { GuardHome, publishedGuards, type RawClient } from '../guardedServer.ts';

const program = `require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line);
  const result = method === 'initialize' ? { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'tiny', version: '1' } }
    : method === 'tools/list' ? { tools: [{ name: 'write', inputSchema: { type: 'object' } }] } : { content: [{ type: 'text', text: 'done' }] };
  if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
}).on('close', () => process.exit());`;

describe('guard: the cure that a refusal names', function () {
  this.timeout(60_000);
  let home: GuardHome;
  let client: RawClient;

  beforeEach(async function () {
    if (process.platform !== 'linux') {
      console.log('skipped: the gate was not run on this system yet');
      this.skip();
    }
    home = new GuardHome();
    mkdirSync(folder(), { recursive: true });
    writeFileSync(join(folder(), 'index.js'), program);
    version('1.0.0');
    mkdirSync(home.run, { mode: 0o700 });
  });
  afterEach(() => home.clean());

  const folder = (): string => join(home.root, 'node_modules', 'tiny-mcp');
  const version = (text: string): void =>
    writeFileSync(join(folder(), 'package.json'), JSON.stringify({ name: 'tiny-mcp', version: text }));

  async function connect(): Promise<void> {
    client = await home.guard(['--on-stale', 'refuse-writes', '--', process.execPath, join(folder(), 'index.js')]);
    await client.handshake();
    await client.request('tools/list');
    equal(await client.text('write'), 'done');
  }

  /** The refusal, once the version that ran was recorded and another one is installed. */
  const refusal = (): Promise<string> =>
    until('a call is refused', async () => {
      version('1.0.0');
      await client.text('write');
      version('1.1.0');
      const text = await client.text('write');
      return /nothing was written/.test(text) && text;
    });

  it('the command where it works, and what works where the run folder is open, be that from the start or later', async () => {
    await connect();
    await until('it is published', () => publishedGuards(home.run).length > 0);
    match(await refusal(), /run "[^"]*mcp-shepherd restart \d+/);

    chmodSync(home.run, 0o755);
    const open = await refusal();
    assertNames(open, home.run, '755', 'chmod 700', 'disconnect it in your client');
    assertOmits(open, 'run "', 'The session is kept');

    chmodSync(home.run, 0o700);
    match(await refusal(), /run "[^"]*mcp-shepherd restart \d+/);
  });

  it('a guard that could not be published: the step also after the folder was closed, because no command finds the guard', async () => {
    chmodSync(home.run, 0o755);
    await connect();
    assertNames(await refusal(), home.run, '755', 'disconnect it in your client');
    chmodSync(home.run, 0o700);
    const closed = await refusal();
    assertNames(closed, 'disconnect it in your client', 'no record');
    assertOmits(closed, 'run "');
    // What it names works.
    await client.kill();
    await connect();
    await until('it is published', () => publishedGuards(home.run).length > 0);
  });
});
