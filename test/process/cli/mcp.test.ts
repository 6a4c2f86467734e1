import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { after, before, describe, it } from 'mocha';
import { withoutClientMarks } from '../../../scripts/system/withoutClientMarks.ts';
import { agentToolNames } from '../../../src/mcp/agentTools.ts';
import { until } from '../../until.ts';
import { makeProject, servers } from '../package/npmServers.ts';
import { makeWorld, type World } from '../survey/world.ts';
import { buildPrograms, RunningCli } from './bundle.ts';

interface Listed {
  readonly pid: number;
  readonly startedAt: string;
  readonly guarded: boolean;
  readonly restartBy: string;
}

describe('mcp-shepherd mcp', function () {
  this.timeout(120_000);
  let folder = '';
  let bundle = '';
  let world: World;
  let env: Record<string, string> = {};
  const open: Client[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cli-mcp-'));
    bundle = await buildPrograms(folder);
    world = makeWorld();
    const { PATH = '' } = withoutClientMarks(process.env);
    env = { PATH, HOME: world.home, USERPROFILE: world.home, MCP_RUN_DIR: world.runDir };
  });
  after(async () => {
    await Promise.all(open.map((client) => client.close()));
    await world.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  async function connect(args: readonly string[], client: Client): Promise<StdioClientTransport> {
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [bundle, ...args],
      env,
      cwd: world.home,
      stderr: 'ignore',
    });
    open.push(client);
    await client.connect(transport);
    return transport;
  }

  it('lists a guarded server and restarts it after the user has agreed; its client keeps the session', async () => {
    const project = join(world.root, 'shop');
    await makeProject(project, [`${servers.memory.name}@${servers.memory.versions[1]}`]);
    const entry = join(project, 'node_modules', '.bin', servers.memory.bin);
    const user = new Client({ name: 'user', version: '1' });
    await connect(['guard', '--', process.execPath, entry], user);
    await user.listTools();

    const agent = new Client({ name: 'agent', version: '1' }, { capabilities: { elicitation: {} } });
    let agrees = false;
    agent.setRequestHandler(ElicitRequestSchema, () => (agrees ? { action: 'accept', content: { restart: true } } : { action: 'cancel' }));
    await connect(['mcp', '--offline'], agent);
    const answer = async (name: string, args = {}): Promise<Record<string, unknown>> =>
      (await agent.callTool({ name, arguments: args })).structuredContent as Record<string, unknown>;
    await agent.listTools();
    const guarded = async (): Promise<Listed | undefined> => {
      const listed = (await answer(agentToolNames.status)).servers as Listed[];
      return listed.find((one) => one.guarded && one.restartBy === 'mcp-shepherd');
    };
    const one = await until('the guarded server', guarded);
    const target = { pid: one.pid, startedAt: one.startedAt };
    assert.equal((await answer(agentToolNames.restart, target)).outcome, 'declined');
    assert.equal((await guarded())?.pid, one.pid);
    agrees = true;
    const { outcome, pid } = await answer(agentToolNames.restart, target);
    assert.equal(outcome, 'restarted');
    assert.notEqual(pid, one.pid);
    assert.equal((await guarded())?.pid, pid);
    assert.ok((await user.listTools()).tools.length > 0);
    assert.equal((await answer(agentToolNames.restart, target)).outcome, 'not-found');
  });

  it('ends when its client closes the input', async () => {
    const cli = new RunningCli(process.execPath, bundle, ['mcp'], { cwd: world.home, env });
    const { code, stdout } = await cli.ended();
    assert.deepEqual({ code, stdout }, { code: 0, stdout: '' });
  });
});
