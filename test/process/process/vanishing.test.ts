import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import type { ProcessRow } from '../../../src/model/process.ts';
import { kernelProcFs, type ProcFs } from '../../../src/process/linux/procFs.ts';
import { ProcTable } from '../../../src/process/linux/procTable.ts';
import { Children, rowOf } from './children.ts';

type Method = keyof ProcFs;

/**
 * The real /proc with two processes in it, whose looks at the victim fail from the nth on (it has ended), or at the nth alone.
 * `looks` counts those at the victim.
 */
class FailingFs {
  looks = 0;
  readonly seen = new Set<string>();
  readonly fs: ProcFs;

  constructor(pids: readonly number[], victim: number, code: string, failAt: number, alone: boolean) {
    const guard = <A extends readonly unknown[], R>(
      method: Method,
      look: (path: string, ...rest: A) => R,
    ): ((path: string, ...rest: A) => R) => {
      return (path, ...rest) => {
        if (path === `/proc/${victim}` || path.startsWith(`/proc/${victim}/`)) {
          this.looks += 1;
          if (alone ? this.looks === failAt : this.looks >= failAt) {
            this.seen.add(`${method} ${path.replace(String(victim), 'PID')}`);
            throw Object.assign(new Error(`${code}: injected`), { code });
          }
        }
        return look(path, ...rest);
      };
    };
    this.fs = {
      names: guard('names', (path) => (path === '/proc' ? [...pids.map(String), 'uptime', 'self'] : kernelProcFs.names(path))),
      read: guard('read', (path: string, limit: number) => kernelProcFs.read(path, limit)),
      bytes: guard('bytes', (path: string, limit: number) => kernelProcFs.bytes(path, limit)),
      link: guard('link', (path) => kernelProcFs.link(path)),
      owner: guard('owner', (path) => kernelProcFs.owner(path)),
      linkMode: guard('linkMode', (path) => kernelProcFs.linkMode(path)),
      node: guard('node', (path) => kernelProcFs.node(path)),
      file: guard('file', (path) => kernelProcFs.file(path)),
    };
  }
}

describe('A process that ends while it is read, on Linux', function () {
  this.timeout(30_000);
  const children = new Children();
  let victim: ProcessRow;
  let other: ProcessRow;
  let pids: number[];

  before(async function () {
    if (process.platform !== 'linux') {
      console.log('skipped: /proc is on Linux only');
      this.skip();
    }
    // A pipe at its input makes the detail look at all open files too.
    const { client, pid } = await children.startClient('bash', ['-c', 'coproc { exec sleep 100; }; echo $COPROC_PID; read line']);
    victim = await rowOf(new ProcTable(), pid);
    other = await rowOf(new ProcTable(), client.pid);
    pids = [pid, client.pid].sort((a, b) => a - b);
  });
  after(() => children.end());

  for (const code of ['ENOENT', 'ESRCH', 'EACCES']) {
    it(`is left out of the list at every single step, and hides no other process: ${code}`, async () => {
      const steps = new Set<string>();
      for (let failAt = 1; ; failAt += 1) {
        const failing = new FailingFs(pids, victim.pid, code, failAt, false);
        const rows = await new ProcTable({ fs: failing.fs }).list();
        if (failing.looks < failAt) {
          assert.deepEqual(
            rows.map((row) => row.pid),
            pids,
          );
          break;
        }
        for (const step of failing.seen) {
          steps.add(step);
        }
        assert.deepEqual(
          rows.map((row) => row.pid),
          [other.pid],
          `step ${failAt}`,
        );
      }
      assert.ok(steps.has('read /proc/PID/stat') && steps.has('read /proc/PID/cmdline') && steps.has('owner /proc/PID'), [...steps].join());
    });
  }

  for (const code of ['ENOENT', 'ESRCH']) {
    it(`is gone in its detail at every single step: ${code}`, async () => {
      const steps = new Set<string>();
      for (let failAt = 1; ; failAt += 1) {
        const failing = new FailingFs(pids, victim.pid, code, failAt, false);
        const detail = await new ProcTable({ fs: failing.fs }).detail(victim);
        if (failing.looks < failAt) {
          assert.equal(detail.cwd, process.cwd());
          break;
        }
        for (const step of failing.seen) {
          steps.add(step);
        }
        assert.deepEqual(detail, { stdin: 'unknown', listens: 'unknown', missing: ['gone'] }, `step ${failAt}`);
      }
      for (const part of [
        'link /proc/PID/exe',
        'read /proc/PID/environ',
        'link /proc/PID/fd/0',
        'node /proc/PID/fd/0',
        'names /proc/PID/fd',
      ]) {
        assert.ok(steps.has(part), `${part} was never tried`);
      }
    });
  }

  it('loses one part, with the reason, when that alone is refused', async () => {
    const refused: string[] = [];
    for (let failAt = 1; ; failAt += 1) {
      const failing = new FailingFs(pids, victim.pid, 'EACCES', failAt, true);
      const table = new ProcTable({ fs: failing.fs });
      const detail = await table.detail(victim);
      if (failing.looks < failAt) {
        break;
      }
      // Refused is not gone: at whichever step, the rest is there, and nothing is called dead.
      assert.ok(!detail.missing.includes('gone'), `step ${failAt}: ${[...failing.seen].join()}`);
      assert.ok(detail.stdin === 'connected' || detail.stdin === 'unknown', `step ${failAt}: ${detail.stdin}`);
      refused.push(...detail.missing);
    }
    assert.deepEqual(
      ['exe', 'cwd', 'environment', 'stdin', 'open files'].filter((part) => !refused.includes(`${part}: permission denied`)),
      [],
    );
  });

  it('does not lose the other end of its input when a look at the holder is refused', async () => {
    let steps = 0;
    for (const code of ['EACCES', 'EMFILE']) {
      for (let failAt = 1; ; failAt += 1) {
        const failing = new FailingFs(pids, other.pid, code, failAt, true);
        const table = new ProcTable({ fs: failing.fs });
        const { stdin } = await table.detail(victim);
        if (failing.looks < failAt) {
          assert.equal(stdin, 'connected');
          break;
        }
        steps += 1;
        assert.ok(stdin === 'connected' || stdin === 'unknown', `${code} at ${[...failing.seen].join()}: ${stdin}`);
      }
    }
    assert.ok(steps > 10, `${steps} steps`);
  });

  it('does not take its processes for gone when we are out of file descriptors', async () => {
    const failing = new FailingFs(pids, victim.pid, 'EMFILE', 1, false);
    const table = new ProcTable({ fs: failing.fs });
    await assert.rejects(table.list());
    assert.equal(await table.isAlive(victim.identity), true);
  });

  it('says so when there is no list at all', async () => {
    const table = new ProcTable({ root: '/proc/not-there' });
    await assert.rejects(table.list(), (error) => error instanceof Error && error.message.includes('/proc/not-there'));
    assert.equal(await table.isAlive(victim.identity), false);
  });
});
