import assert from 'node:assert/strict';
import { type ExecFileSyncOptions, execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, before, describe, it } from 'mocha';
import type { ProcessDetail, ProcessRow } from '../../../src/model/process.ts';
import { ProcTable } from '../../../src/process/linux/procTable.ts';
import { processTree } from '../../../src/process/tree/processTree.ts';
import { openProgram, otherUser } from '../../otherUser.ts';
import { Children, deadPipesCanBeProven, firstLine, kill, readUntil, rowOf } from './children.ts';

const { uid: otherUid } = otherUser;
let reader: readonly string[] = [];

interface Answer {
  readonly row?: ProcessRow;
  readonly detail?: Omit<ProcessDetail, 'environment'> & { readonly environment?: number };
}

function read(pids: readonly number[], options: ExecFileSyncOptions & { readonly before?: readonly string[] } = {}): Answer[] {
  const { before = [], ...rest } = options;
  const [file = '', ...args] = [...before, ...reader, ...pids.map(String)];
  return JSON.parse(String(execFileSync(file, args, { cwd: '/', ...rest })));
}

describe('The process table across users and namespaces, on Linux', function () {
  this.timeout(30_000);
  const children = new Children();

  before(function () {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) {
      console.log('skipped: only root on Linux can start processes of another user and make namespaces');
      this.skip();
    }
    reader = openProgram(join(import.meta.dirname, 'reader.ts'));
  });
  afterEach(() => children.end());

  const asNobody = otherUser;

  it('sees another user’s processes, and says that their details are refused', async () => {
    const child = await children.start(process.execPath, ['-e', 'setInterval(() => {}, 1000)', 'a b']);
    const [answer] = read([child.pid], asNobody);
    assert.equal(answer?.row?.argv[3], 'a b');
    assert.equal(answer?.row?.uid, 0);
    assert.deepEqual(answer?.detail, {
      stdin: 'unknown',
      listens: 'unknown',
      missing: ['exe', 'cwd', 'environment', 'stdin', 'open files'].map((part) => `${part}: permission denied`),
      elsewhere: { reason: 'its mount namespace may not be read (permission denied), so its paths may mean other files' },
    });
  });

  it('reads its own user’s processes in full', async () => {
    const child = await children.start('sleep', ['100'], { ...asNobody, env: { ONE: '1', PATH: process.env.PATH ?? '' } });
    const [answer] = read([child.pid], asNobody);
    assert.equal(answer?.row?.uid, otherUid);
    assert.equal(answer?.detail?.cwd, '/');
    assert.equal(answer?.detail?.environment, 2);
    assert.deepEqual(answer?.detail?.missing, []);
    assert.equal((await rowOf(new ProcTable(), child.pid)).uid, otherUid);
  });

  it('names the user of a process that gave up root', async () => {
    const code = `import os, time; os.setgid(${otherUid}); os.setuid(${otherUid}); print(os.getpid(), flush=True); time.sleep(100)`;
    const { pid } = await children.startClient('python3', ['-c', code]);
    assert.equal((await rowOf(new ProcTable(), pid)).uid, otherUid);
  });

  it('names the user of a process that may not be dumped, whose files belong to root', async () => {
    const code = `import ctypes, os, time; os.setgid(${otherUid}); os.setuid(${otherUid}); ctypes.CDLL(None).prctl(4, 0, 0, 0, 0); print(os.getpid(), flush=True); time.sleep(100)`;
    const { pid } = await children.startClient('python3', ['-c', code]);
    assert.equal(statSync(`/proc/${pid}/environ`).uid, 0, 'it may not be dumped');
    assert.equal((await rowOf(new ProcTable(), pid)).uid, otherUid);
  });

  it('knows the other end of a socket pair without any right over the client', async () => {
    const code = `const c = require('node:child_process').spawn('sleep', ['100'], { uid: ${otherUid}, gid: ${otherUid}, cwd: '/', stdio: ['pipe', 'ignore', 'ignore'] });
      c.once('spawn', () => console.log(c.pid)); setInterval(() => {}, 1000);`;
    const { client, pid } = await children.startClient(process.execPath, ['-e', code]);
    assert.equal(read([pid], asNobody)[0]?.detail?.stdin, 'connected');
    await kill(client);
    assert.equal(read([pid], asNobody)[0]?.detail?.stdin, 'none');
  });

  it('does not call a pipe dead whose other end an unreadable parent may hold', async function () {
    if (!deadPipesCanBeProven()) {
      this.skip();
    }
    const code = `import os, subprocess, sys
server = subprocess.Popen(['sleep', '100'], stdin=subprocess.PIPE, user=${otherUid}, group=${otherUid}, cwd='/')
print(server.pid, flush=True)
sys.stdin.readline()`;
    const { client, pid } = await children.startClient('python3', ['-c', code]);
    assert.equal((await new ProcTable().detail(await rowOf(new ProcTable(), pid))).stdin, 'connected');
    assert.equal(read([pid], asNobody)[0]?.detail?.stdin, 'unknown');
    await kill(client);
    assert.equal((await new ProcTable().detail(await rowOf(new ProcTable(), pid))).stdin, 'none');
  });

  it('calls a pipe dead whose client was of the same user, and gone', async () => {
    const options = { ...asNobody, stdio: ['pipe', 'pipe', 'inherit'] as ['pipe', 'pipe', 'inherit'] };
    const client = await children.start('bash', ['-c', 'coproc { exec sleep 100; }; echo $COPROC_PID; read line'], options);
    const pid = Number(await firstLine(client));
    children.remember(pid);
    assert.equal(read([pid], asNobody)[0]?.detail?.stdin, 'connected');
    await kill(client);
    const row = await readUntil(
      () => rowOf(new ProcTable(), pid),
      (one) => one.ppid === 1,
    );
    if (row.ppid !== 1) {
      console.log('note: orphans are adopted by another process than PID 1 here');
    }
    const top = (await new ProcTable().list()).find((one) => one.pid === 1);
    // Whether a PID 1 that may not be looked at is a machine's own is told by its name alone.
    const expected = row.ppid !== 1 || (top && /^(systemd|init)$/.test(top.name)) ? 'none' : 'unknown';
    assert.equal(read([pid], asNobody)[0]?.detail?.stdin, expected);
  });

  it('gives one identity inside and outside of a time namespace, and the true start in both', async function () {
    const before = ['unshare', '--time', '--boottime', '100000', '--monotonic', '5000', '--fork'];
    try {
      execFileSync('unshare', [...before.slice(1), 'true'], { stdio: 'ignore' });
    } catch {
      console.log('skipped: no time namespaces here');
      this.skip();
    }
    const child = await children.start('sleep', ['100']);
    const outside = await rowOf(new ProcTable(), child.pid);
    const [inside] = read([child.pid], { before });
    assert.deepEqual(inside?.row?.identity, outside.identity);
    assert.ok(Math.abs((inside?.row?.startedAt ?? 0) - outside.startedAt) <= 40, `${inside?.row?.startedAt} and ${outside.startedAt}`);
    assert.notDeepEqual(inside?.detail?.missing, ['gone']);
  });

  it('numbers processes as its own PID namespace does', async function () {
    const before = ['unshare', '--pid', '--fork', '--mount-proc'];
    try {
      execFileSync('unshare', [...before.slice(1), 'true'], { stdio: 'ignore' });
    } catch {
      console.log('skipped: no PID namespaces here');
      this.skip();
    }
    const [self] = read([1], { before });
    const here = await rowOf(new ProcTable(), process.pid);
    assert.equal(self?.row?.pid, 1);
    assert.equal(self?.row?.identity.bootId, here.identity.bootId);
    assert.notEqual(self?.row?.identity.pidNamespace, here.identity.pidNamespace);
  });

  it('does not call a pipe dead that came in from outside of its PID namespace', async function () {
    // The writer stays outside, where a reader inside cannot see it.
    const inner = `exec 3<&0; sleep 100 <&3 & ${reader.join(' ')} $!; read line <&3`;
    const client = await children.start('bash', ['-c', 'sleep 100 | unshare --pid --fork --mount-proc bash -c "$0"', inner], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const below = async (): Promise<readonly ProcessRow[]> => {
      const tree = processTree(await new ProcTable().list());
      return tree.rows.filter((row) => row.pid === client.pid).flatMap((row) => tree.treeOf(row));
    };
    let line: string;
    try {
      line = await firstLine(client);
    } catch {
      console.log('skipped: no PID namespaces here');
      this.skip();
    } finally {
      for (const row of await below()) {
        children.remember(row.pid);
      }
    }
    assert.equal(JSON.parse(line)[0].detail.stdin, 'unknown');
  });

  it('takes a process that got the PID of a dead one for another', async function () {
    const script = join(import.meta.dirname, 'reusePid.ts');
    const args = ['--pid', '--fork', '--mount-proc', process.execPath, '--no-warnings', script];
    let text: string;
    try {
      text = execFileSync('unshare', args, { encoding: 'utf8', timeout: 20_000 });
    } catch (error) {
      console.log(`skipped: no PID namespace in which PIDs can be chosen (${error instanceof Error ? error.message.split('\n')[0] : ''})`);
      this.skip();
    }
    assert.deepEqual(JSON.parse(text), {
      samePid: true,
      sameIdentity: false,
      firstAliveBefore: true,
      firstAliveAfter: false,
      detailOfFirst: ['gone'],
      secondAlive: true,
      secondName: 'sleep',
    });
  });
});
