import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { createProcessTable } from '../../../../src/process/createProcessTable.ts';
import type { ProcFs } from '../../../../src/process/linux/procFs.ts';
import { ProcTable } from '../../../../src/process/linux/procTable.ts';

/** A /proc of texts. A path that is not in it does not exist; one whose text is null is refused. */
function textFs(files: Map<string, string | null>, looks: string[]): ProcFs {
  const get = (path: string): string => {
    looks.push(path);
    const text = files.get(path);
    if (text === null || text === undefined) {
      const code = text === null ? 'EACCES' : 'ENOENT';
      throw Object.assign(new Error(code), { code });
    }
    return text;
  };
  return {
    names: (path) => {
      looks.push(path);
      return [
        ...new Set(
          [...files.keys()].flatMap((file) =>
            file.startsWith(`${path}/`)
              ? file
                  .slice(path.length + 1)
                  .split('/')
                  .slice(0, 1)
              : [],
          ),
        ),
      ];
    },
    read: (path, limit) => ({ text: get(path).slice(0, limit), cut: get(path).length > limit }),
    bytes: (path) => Buffer.from(get(path)),
    link: get,
    owner: (path) => Number(get(`${path}/owner`)),
    linkMode: (path) => Number(get(`${path}/mode`)),
    node: (path) => ({ mode: Number(get(`${path}/mode`)), device: 0 }),
    file: (path) => ({ device: 1, inode: Number(get(`${path}/inode`)), size: 0 }),
  };
}

const userProgram = 0x0040_0000;
const kernelThread = 0x0420_8060;

describe('ProcTable on a machine of texts', () => {
  let files: Map<string, string | null>;
  let looks: string[];
  let table: ProcTable;

  function add(
    pid: number,
    { ppid = 1, state = 'S', flags = userProgram, vsize = 4_096, ticks = 1_000 + pid, cmdline = `p${pid}\0` } = {},
  ): void {
    files.set(`/proc/${pid}/stat`, `${pid} (p${pid}) ${state} ${ppid} 1 1 0 -1 ${flags} 0 0 0 0 0 0 0 0 20 0 1 0 ${ticks} ${vsize} 10 0\n`);
    files.set(`/proc/${pid}/cmdline`, cmdline);
    files.set(`/proc/${pid}/owner`, '1000');
  }
  function remove(pid: number): void {
    for (const path of [...files.keys()].filter((one) => one.startsWith(`/proc/${pid}/`))) {
      files.delete(path);
    }
  }
  const listed = async (): Promise<number[]> => (await table.list()).map((row) => row.pid);

  beforeEach(() => {
    files = new Map<string, string | null>([
      ['/proc/uptime', '5000.00 1.00\n'],
      ['/proc/sys/kernel/random/boot_id', 'boot\n'],
      ['/proc/self/ns/pid', 'pid:[77]'],
      ['/proc/self/timens_offsets', 'monotonic 0 0\nboottime -20 0\n'],
    ]);
    looks = [];
    add(1, { ppid: 0 });
    add(2, { ppid: 0, flags: kernelThread, vsize: 0, cmdline: '' });
    add(3, { ppid: 2, flags: kernelThread, vsize: 0, cmdline: '' });
    add(40);
    add(41, { ppid: 40, state: 'Z', vsize: 0, cmdline: '' });
    add(42, { ppid: 40, state: 'X', vsize: 0, cmdline: '' });
    table = new ProcTable({ fs: textFs(files, looks) });
  });

  it('leaves kernel threads, zombies and the dead out of the list and of the PIDs', async () => {
    assert.deepEqual(await listed(), [1, 40]);
    assert.deepEqual(await table.pids(), [1, 40]);
    assert.deepEqual(await new ProcTable({ fs: textFs(files, looks) }).pids(), [1, 40]);
  });

  it('looks only at PIDs that it does not know', async () => {
    await table.list();
    looks.length = 0;
    assert.deepEqual(await table.pids(), [1, 40]);
    assert.deepEqual(looks, ['/proc']);
    add(50, { ppid: 2, flags: kernelThread, vsize: 0, cmdline: '' });
    add(51);
    looks.length = 0;
    assert.deepEqual(await table.pids(), [1, 40, 51]);
    assert.deepEqual(
      looks.filter((path) => path.endsWith('/stat')),
      ['/proc/50/stat', '/proc/50/stat', '/proc/51/stat', '/proc/51/stat'],
    );
  });

  it('looks again when a kernel thread’s number comes back', async () => {
    await table.list();
    remove(3);
    await table.pids();
    add(3);
    assert.deepEqual(await table.pids(), [1, 3, 40]);
  });

  it('keeps a process without arguments, and reads once more what was empty while a program was being replaced', async () => {
    add(60, { cmdline: '' });
    const row = (await table.list()).find((one) => one.pid === 60);
    assert.deepEqual([row?.argv, row?.argvExact, row?.commandLine, row?.name], [[], false, '', 'p60']);
    assert.equal(looks.filter((path) => path === '/proc/60/cmdline').length, 4);
  });

  it('names identities by the machine’s own ticks', async () => {
    const row = (await table.list()).find((one) => one.pid === 40);
    // 1040 ticks as our namespace counts, which is 20 s behind.
    assert.deepEqual(row?.identity, { bootId: 'boot', pidNamespace: '77', pid: 40, start: 'lx:3040' });
  });

  it('takes a process that may not be looked at for alive, and one of another boot or namespace not', async () => {
    const identity = (await table.list()).find((one) => one.pid === 40)?.identity;
    assert.ok(identity);
    assert.equal(await table.isAlive(identity), true);
    assert.equal(await table.isAlive({ ...identity, bootId: 'x' }), false);
    assert.equal(await table.isAlive({ ...identity, pidNamespace: '78' }), false);
    files.set('/proc/40/stat', null);
    assert.equal(await table.isAlive(identity), true);
    remove(40);
    assert.equal(await table.isAlive(identity), false);
  });

  it('reads on past garbage', async () => {
    files.set('/proc/40/stat', 'garbage');
    add(70);
    assert.deepEqual(await listed(), [1, 70]);
  });
});

describe('createProcessTable', () => {
  it('chooses by the system', async () => {
    assert.equal((await createProcessTable('win32')).source, 'cim');
    assert.equal((await createProcessTable('darwin')).source, 'ps');
    assert.equal((await createProcessTable('freebsd')).source, 'ps');
    if (process.platform === 'linux') {
      assert.equal((await createProcessTable()).source, 'proc');
    }
  });
});
