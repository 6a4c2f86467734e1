import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { askInstance } from '../../../../src/lock/control/controlClient.ts';
import { openLockDirectory } from '../../../../src/lock/lockDirectory.ts';
import { until } from '../../../until.ts';
import { makeProject, npm, servers } from '../../package/npmServers.ts';
import { GuardHome, guardBundle, isRunning, publishedGuards, stalePackages } from '../guardedServer.ts';

const [older, newer] = servers.memory.versions;

describe('guard: calls to a server whose package was replaced (server-memory of npm, SDK client)', function () {
  this.timeout(180_000);
  let home: GuardHome;
  let project: string;
  let client: Client;
  let transport: StdioClientTransport;
  let said = '';
  let listChanges = 0;

  beforeEach(async () => {
    home = new GuardHome();
    project = home.path('project');
    await makeProject(project, [`${servers.memory.name}@${older}`]);
  });
  afterEach(async () => {
    await client.close();
    await home.clean();
  });

  async function connect(command: string, args: readonly string[]): Promise<void> {
    said = '';
    listChanges = 0;
    client = new Client({ name: 'sdk', version: '1' });
    const env = { ...home.env, MEMORY_FILE_PATH: home.path('memory.jsonl') };
    const strings = Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
    transport = new StdioClientTransport({ command, args: [...args], cwd: project, env: strings, stderr: 'pipe' });
    transport.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
      listChanges += 1;
    });
    await client.connect(transport);
  }

  async function guarded(...options: readonly string[]): Promise<void> {
    const server = join(project, 'node_modules', '.bin', servers.memory.bin);
    await connect(process.execPath, [await guardBundle(), '--read-tools', 'read_graph', ...options, '--', server]);
  }

  const upgrade = (): Promise<string> => npm(project, 'install', '--save-exact', `${servers.memory.name}@${newer}`);

  async function call(
    name: string,
    args: Record<string, unknown> = {},
  ): Promise<{ readonly text: string; readonly isError: boolean; readonly meta: unknown }> {
    const { content, isError, _meta } = await client.callTool({ name, arguments: args });
    const first: unknown = Array.isArray(content) ? content[0] : undefined;
    return {
      text: typeof first === 'object' && first !== null && 'text' in first ? String(first.text) : '',
      isError: isError === true,
      meta: _meta,
    };
  }

  const write = (name: string) => call('create_entities', { entities: [{ name, entityType: 'x', observations: [] }] });

  it('A1 A2 A29 a write is refused with versions and restart hint, a read passes, and a restart ends that without a new session', async () => {
    await guarded('--on-stale', 'refuse-writes');
    assert.ok(!(await write('before')).isError);
    await upgrade();
    const refused = await write('refused');
    assert.ok(refused.isError);
    assert.deepEqual(stalePackages({ result: { isError: true, _meta: refused.meta } }), [
      `${servers.memory.name} ${older} ${newer} upgrade`,
    ]);
    const read = await call('read_graph');
    assert.ok(!read.isError && read.text.includes('before') && !read.text.includes('refused'));
    process.kill(transport.pid ?? -1, 'SIGUSR2');
    let after = refused;
    await until(
      'a write passes',
      async () => {
        after = await write('after');
        return !after.isError;
      },
      60_000,
    );
    const graph = (await call('read_graph')).text;
    assert.ok(graph.includes('before') && graph.includes('after') && !graph.includes('refused'), graph);
    assert.ok(said.includes(`${servers.memory.name} ${older}`), said);
  });

  it('A1 control: without the guard the old code still writes', async () => {
    await connect(join(project, 'node_modules', '.bin', servers.memory.bin), []);
    await upgrade();
    assert.ok(!(await write('by old code')).isError);
  });

  it('A25 --on-stale restart: the next call is carried out by the new version, and nothing fails', async () => {
    await guarded('--on-stale', 'restart');
    await client.listTools();
    assert.ok(!(await write('before')).isError);
    await upgrade();
    const results = await Promise.all([write('a'), write('b'), call('read_graph')]);
    assert.ok(
      results.every(({ isError }) => !isError),
      JSON.stringify(results),
    );
    assert.ok(said.includes('restarting'), said);
    await until('the record tells the new version', () => recordedVersion() === newer);
    assert.ok(listChanges <= 1);
  });

  it('its own record: recorded versions, client and server; restarted and stopped over its control endpoint', async () => {
    await guarded('--name', 'memory');
    // Version, endpoint and server are published one after the other.
    const { record, server } = await until('it is published whole', () => {
      const [published] = publishedGuards(home.run);
      const { server: pid } = published ?? {};
      return recordedVersion() === older && published?.control === true && pid !== undefined && { record: published.record, server: pid };
    });
    assert.ok(isRunning(server));
    assert.deepEqual([record.serverId, (record.client as { pid: number }).pid, record.state], ['memory', process.pid, 'running']);
    const directory = openLockDirectory(join(home.run, 'v1'));
    assert.ok('directory' in directory);
    const ask = (verb: 'status' | 'restart' | 'stop') =>
      askInstance({ ...directory, record: record as unknown as Parameters<typeof askInstance>[0]['record'], verb, by: 'the test' });
    await upgrade();
    const status = await ask('status');
    assert.ok(status.status === 'ok', JSON.stringify(status));
    const { stale, packages } = status.result.stale as { stale: boolean; packages: object[] };
    assert.deepEqual([stale, packages], [true, [{ package: servers.memory.name, serving: older, installed: newer, change: 'upgrade' }]]);
    const restarted = await ask('restart');
    assert.equal(restarted.status === 'ok' && restarted.result.status, 'restarted', JSON.stringify(restarted));
    assert.ok(!(await write('after')).isError);
    await until('the old one is gone', () => !isRunning(server));
    await until('the record tells the new version', () => recordedVersion() === newer);
    const now = publishedGuards(home.run)[0]?.server ?? -1;
    const again = await askInstance({
      ...directory,
      record: record as unknown as Parameters<typeof askInstance>[0]['record'],
      verb: 'restart',
    });
    assert.equal(again.status === 'refused' && again.code, 'already', 'the server that was seen is gone');
    // Only who sees the server as it is now may stop it.
    const fresh = publishedGuards(home.run)[0]?.record as unknown as Parameters<typeof askInstance>[0]['record'];
    await askInstance({ ...directory, record: fresh, verb: 'stop' });
    await until('it is gone', () => !isRunning(now) && publishedGuards(home.run).length === 0);
  });

  function recordedVersion(): unknown {
    const of = publishedGuards(home.run)[0]?.record.package;
    return typeof of === 'object' && of !== null && 'version' in of ? of.version : undefined;
  }
});
