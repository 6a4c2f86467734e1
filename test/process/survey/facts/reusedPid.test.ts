import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { after, before, describe, it } from 'mocha';
import { makeProject, npmEnv, servers } from '../../package/npmServers.ts';
import { makeWorld, type World } from '../world.ts';

const unshare = ['--pid', '--fork', '--mount-proc', '--kill-child'];

describe('test 9: a PID that was reused', function () {
  this.timeout(120_000);
  let world: World;

  before(function () {
    // The namespace's own count of PIDs can be set where this is writable.
    const trial = spawnSync('unshare', [...unshare, 'sh', '-c', 'echo 100 > /proc/sys/kernel/ns_last_pid'], { encoding: 'utf8' });
    if (trial.status !== 0) {
      console.log(`No PID namespace in which PIDs can be chosen: ${(trial.error?.message ?? trial.stderr).trim()}`);
      this.skip();
    }
    world = makeWorld();
  });
  after(() => world?.remove());

  it('A34: is another instance, with a baseline of its own and no fact of the first', async () => {
    const { memory } = servers;
    const [older, newer] = memory.versions;
    const project = join(world.root, 'project');
    await makeProject(project, [`${memory.name}@${older}`]);
    world.write('.claude.json', {
      mcpServers: { memory: { command: process.execPath, args: [join(project, 'node_modules', '.bin', memory.bin)] } },
    });
    const script = [process.execPath, '--no-warnings', join(import.meta.dirname, 'reusePid.ts')];
    const args = [...unshare, ...script, world.home, world.runDir, project, older, newer];
    const { stdout } = await promisify(execFile)('unshare', args, { env: await npmEnv(), timeout: 100_000 });
    assert.deepEqual(JSON.parse(stdout), {
      samePid: true,
      sameInstance: false,
      startedLater: true,
      before: { running: older, installed: older, findings: [] },
      upgraded: { running: older, installed: newer, findings: ['stale/package/proven'] },
      after: { running: newer, installed: newer, findings: [] },
      downgraded: { running: newer, installed: older, findings: ['stale/package/proven'] },
    });
  });
});
