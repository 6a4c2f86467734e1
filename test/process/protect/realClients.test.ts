// Real clients from npm connect to a server that was put behind the guard in their own files. Long: hundreds of megabytes are fetched once.
import { equal, match } from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { withoutClientMarks } from '../../../scripts/system/withoutClientMarks.ts';
import { installOpencode } from '../../screen/realOpencode.ts';
import { buildPrograms } from '../cli/bundle.ts';
import { run } from '../package/command.ts';
import { makeProject, servers } from '../package/npmServers.ts';
import { makeWorld, type World } from '../survey/world.ts';
import { clientProgram } from './clientProgram.ts';

const quiet = {
  DISABLE_AUTOUPDATER: '1',
  OPENCODE_DISABLE_AUTOUPDATE: '1',
  OPENCODE_DISABLE_MODELS_FETCH: '1',
  NPM_CONFIG_OFFLINE: 'true',
};

describe('a protected entry in a real client', function () {
  this.timeout(600_000);
  let dist = '';
  let bundle = '';
  let world: World;
  let env: NodeJS.ProcessEnv = {};
  let server = '';

  before(async function () {
    if (process.env.TEST_LONG !== '1') {
      console.log('skipped: TEST_LONG=1 gets the real clients from npm');
      this.skip();
    }
    dist = mkdtempSync(join(tmpdir(), 'protect-real-'));
    bundle = await buildPrograms(dist);
  });
  after(() => rmSync(dist, { recursive: true, force: true }));

  beforeEach(async () => {
    world = makeWorld();
    const project = join(world.root, 'shop');
    await makeProject(project, [`${servers.memory.name}@${servers.memory.versions[1]}`]);
    server = join(project, 'node_modules', '.bin', servers.memory.bin);
    env = { ...withoutClientMarks(process.env), ...quiet, HOME: world.home, MCP_RUN_DIR: world.runDir, NO_COLOR: '1' };
  });
  afterEach(() => world?.remove());

  const shepherd = (...args: readonly string[]): Promise<string> => run(process.execPath, [bundle, ...args], { cwd: world.home, env });

  it('Claude Code connects, and its own file comes back to the byte', async () => {
    const claude = await clientProgram('@anthropic-ai/claude-code', '2.1.329', 'claude');
    const ask = (...args: readonly string[]): Promise<string> => run(claude, args, { cwd: world.home, env });
    await ask('mcp', 'add', '--scope', 'local', 'notes', '--', process.execPath, server);
    match(await ask('mcp', 'list'), /notes: .*Connected/);
    await shepherd('protect', 'notes', '--yes');
    match(await ask('mcp', 'list'), /notes: \S*mcp-shepherd guard .*Connected/);
    const guarded = readFileSync(join(world.home, '.claude.json'), 'utf8');
    await shepherd('unprotect', 'notes', '--yes');
    await shepherd('protect', 'notes', '--yes');
    equal(readFileSync(join(world.home, '.claude.json'), 'utf8'), guarded);
    await shepherd('unprotect', 'notes', '--yes');
    match(await ask('mcp', 'list'), /notes: (?!\S*mcp-shepherd).*Connected/);
  });

  it('opencode connects', async () => {
    const opencode = await installOpencode();
    const file = world.write('.config/opencode/opencode.jsonc', { mcp: { notes: { type: 'local', command: [process.execPath, server] } } });
    const list = (): Promise<string> => run(opencode, ['mcp', 'list'], { cwd: world.home, env });
    match(await list(), /notes.*connected/);
    const before = readFileSync(file, 'utf8');
    await shepherd('protect', 'notes', '--yes');
    match(await list(), /notes.*connected[\s\S]*mcp-shepherd guard/);
    await shepherd('unprotect', 'notes', '--yes');
    equal(readFileSync(file, 'utf8'), before);
  });
});
