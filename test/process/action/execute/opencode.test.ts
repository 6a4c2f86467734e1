import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { waitFor } from '../../../../scripts/system/waitFor.ts';
import { withoutClientMarks } from '../../../../scripts/system/withoutClientMarks.ts';
import type { Outcome } from '../../../../src/action/execute/exclusiveAction.ts';
import type { Plan } from '../../../../src/action/plan/plan.ts';
import type { Snapshot } from '../../../../src/model/snapshot.ts';
import { installOpencode, type Opencode, startOpencode } from '../../../screen/realOpencode.ts';
import { buildCli, RunningCli } from '../../cli/bundle.ts';
import { makeProject, servers } from '../../package/npmServers.ts';
import { makeWorld, type World } from '../../survey/world.ts';

const [, version] = servers.memory.versions;

describe('A server of a real opencode', function () {
  this.timeout(240_000);
  let world: World;
  let opencode: Opencode | undefined;
  let folder = '';
  let bundle = '';
  let env: NodeJS.ProcessEnv = {};

  before(async function () {
    const program = await installOpencode().catch((error: unknown) => {
      console.log(`opencode cannot be had: ${String(error).split('\n')[0]}`);
      this.skip();
    });
    folder = mkdtempSync(join(tmpdir(), 'cli-opencode-'));
    bundle = await buildCli(folder);
    world = makeWorld();
    env = { ...withoutClientMarks(process.env), HOME: world.home, USERPROFILE: world.home, MCP_RUN_DIR: world.runDir, NO_COLOR: '1' };
    const project = join(world.root, 'shop');
    await makeProject(project, [`${servers.memory.name}@${version}`]);
    const command = [process.execPath, join(project, 'node_modules', '.bin', servers.memory.bin)];
    world.write('.config/opencode/opencode.json', { mcp: { notes: { type: 'local', command, timeout: 60_000 } } });
    opencode = await startOpencode(program ?? '', project, env);
    assert.deepEqual(await opencode.workIn(project), { notes: 'connected' });
  });
  after(async () => {
    await opencode?.dispose();
    rmSync(folder, { recursive: true, force: true });
    await world?.remove();
  });

  const json = async <T>(...args: readonly string[]): Promise<T> => {
    const { stdout, stderr } = await new RunningCli(process.execPath, bundle, [...args, '--json'], { cwd: world.home, env }).ended();
    assert.notEqual(stdout, '', stderr);
    return JSON.parse(stdout);
  };
  const pids = async (): Promise<readonly number[]> =>
    (await json<Snapshot>('status')).instances.filter(({ name }) => name === 'notes').map(({ pid }) => pid);

  it('is restarted by opencode’s own interface, and stopped', async () => {
    const [before] = await pids();
    assert.ok(before);
    const { plan, outcome } = await json<{ plan: Plan; outcome: Outcome }>('restart', 'notes');
    assert.deepEqual(
      plan.steps.map(({ kind }) => kind),
      ['ask-opencode'],
    );
    assert.equal(outcome.status, 'done', outcome.message);
    const [after] = await pids();
    assert.notEqual(after, before);
    assert.equal(outcome.message, `opencode restarted notes (PID ${before} → ${after}, runs ${version}).`);
    const stopped = await json<{ outcome: Outcome }>('stop', String(after));
    assert.equal(stopped.outcome.status, 'done', stopped.outcome.message);
    await waitFor('it to be gone', async () => (await pids()).length === 0);
  });
});
