import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'mocha';
import { endTree, listProcesses, processTree, stillAlive } from '../../../scripts/system/processTree.ts';
import { waitFor } from '../../../scripts/system/waitFor.ts';

/** A process that is deaf to SIGTERM, and a child of it that is too. */
const deaf = `
process.on('SIGTERM', () => {});
setInterval(() => {}, 1000);
if (process.argv[1] === 'parent') {
  require('node:child_process').spawn(process.execPath, ['-e', process.env.SOURCE, 'child'], { stdio: 'inherit' });
} else {
  console.log('ready');
}`;

describe('Ending a tree of processes', function () {
  this.timeout(30_000);

  it('ends what is deaf to polite words, and only that tree', async () => {
    const env = { ...process.env, SOURCE: deaf };
    const start = () => spawn(process.execPath, ['-e', deaf, 'parent'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const [ours, other] = [start(), start()];
    try {
      await Promise.all([once(ours.stdout, 'data'), once(other.stdout, 'data')]);
      const tree = processTree(ours.pid ?? 0);
      const rest = processTree(other.pid ?? 0);
      assert.deepEqual([tree.length, rest.length], [2, 2]);
      await endTree(ours.pid ?? 0, 300);
      assert.deepEqual(stillAlive(tree), []);
      assert.equal(stillAlive(rest).length, 2);
    } finally {
      await endTree(other.pid ?? 0, 300);
    }
  });

  it('is content with a process that is gone', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    await endTree(child.pid ?? 0);
  });

  it('sees itself', () => {
    assert.equal(listProcesses().get(process.pid)?.ppid, process.ppid);
  });

  it('tells what was waited for in vain', async () => {
    await assert.rejects(
      waitFor('a sheep', () => false, { limit: 60, every: 10 }),
      /60 ms in vain for a sheep/,
    );
  });
});
