import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, realpathSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'mocha';
import psList from 'ps-list';
import { identityKey, type ProcessRow, type ProcessTable } from '../../../src/model/process.ts';
import { ProcTable } from '../../../src/process/linux/procTable.ts';
import { PsTable } from '../../../src/process/otherSystems/psTable.ts';
import { processTree } from '../../../src/process/tree/processTree.ts';
import { assertNames } from '../../names.ts';
import { Children, firstLine, kill, readUntil, rowOf } from './children.ts';

const waits = 'setInterval(() => {}, 1000)';

for (const { name, make, exact } of [
  { name: 'ProcTable', make: (): ProcessTable => new ProcTable(), exact: true },
  { name: 'PsTable', make: (): ProcessTable => new PsTable({ listProcesses: psList }), exact: false },
]) {
  describe(`${name} on Linux`, function () {
    this.timeout(30_000);
    const children = new Children();
    const table = make();
    let folder: string;

    before(function () {
      if (process.platform !== 'linux') {
        console.log(`skipped: ${name} is compared with /proc, which ${process.platform} does not have`);
        this.skip();
      }
      folder = realpathSync(mkdtempSync(join(tmpdir(), 'table-')));
    });
    afterEach(() => children.end());
    after(() => folder && rmSync(folder, { recursive: true, force: true }));

    it('finds a child with its parent, its start, its user, its memory and its name', async () => {
      const before = Date.now();
      const child = await children.start('tail', ['-f', '/dev/null']);
      const started = Date.now();
      const row = await rowOf(table, child.pid);
      assert.equal(row.ppid, process.pid);
      const error = row.startErrorMs + 100;
      assert.ok(row.startedAt >= before - error && row.startedAt <= started + error, `${row.startedAt - before} ms`);
      assert.equal(row.startErrorMs, exact ? 20 : 2_000);
      assert.equal(row.uid, process.getuid?.());
      assert.equal(row.name, 'tail');
      // The kernel counts roughly: a small program may have 0. A Node is far above what it may be wrong by.
      const { rssBytes } = await rowOf(table, process.pid);
      assert.ok(Math.abs(rssBytes / process.memoryUsage.rss() - 1) < 0.2, `${rssBytes} and ${process.memoryUsage.rss()}`);
      assert.match(row.state, /^[SRD]$/);
      assert.match(row.identity.start, exact ? /^lx:\d+$/ : /^ps:\d+$/);
    });

    it('gives the same identity in each list, and in each table', async () => {
      const child = await children.start('sleep', ['100']);
      const first = await rowOf(table, child.pid);
      const again = await rowOf(table, child.pid);
      assert.equal(identityKey(again.identity), identityKey(first.identity));
      assert.equal(again.startedAt, first.startedAt);
      if (exact) {
        assert.equal(identityKey((await rowOf(make(), child.pid)).identity), identityKey(first.identity));
      }
    });

    it('counts the same processes as it lists', async () => {
      await children.start('sleep', ['100']);
      // The machine is busy with other things: a moment in which nothing came or went is waited for.
      const [listed, counted] = await readUntil(
        async () => [(await table.list()).map((row) => row.pid).sort(), [...(await table.pids())].sort()] as const,
        ([rows, pids]) => rows.join() === pids.join(),
      );
      assert.deepEqual(counted, listed);
      const child = await children.start('sleep', ['100']);
      assert.ok((await table.pids()).includes(child.pid));
      await kill(child);
      assert.ok(!(await table.pids()).includes(child.pid));
    });

    it('keeps blanks, line breaks, Unicode and empty arguments as far as the system does', async () => {
      const args = ['-e', waits, 'two words', '', 'line\nbreak', 'Grüße 你好 🐑', '', 'a"b\'c\\', ''];
      const child = await children.start(process.execPath, args);
      const row = await rowOf(table, child.pid);
      if (exact) {
        assert.deepEqual(row.argv, [process.execPath, ...args]);
      } else {
        assert.ok(row.argv.includes('two') && row.argv.includes('words'));
        // ps itself replaces what is not ASCII when it is asked for the C locale.
        assert.equal(row.argv[0], process.execPath);
      }
      assert.equal(row.argvExact, exact);
      assert.ok(row.commandLine.startsWith(`${process.execPath} -e setInterval`), row.commandLine);
    });

    it('says that a title which a program wrote over its arguments is one', async () => {
      const code = `process.title = 'npm exec some server'; console.log('ready'); ${waits}`;
      const child = await children.start(process.execPath, ['-e', code, 'long enough', 'to hold it'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await firstLine(child);
      const row = await rowOf(table, child.pid);
      assert.deepEqual(row.argv, ['npm', 'exec', 'some', 'server']);
      assert.equal(row.argvExact, false);
      assert.equal(row.commandLine, 'npm exec some server');
    });

    it('shows a first argument that the caller made up', async () => {
      const child = await children.start('bash', ['-c', 'exec -a renamed-server sleep 100']);
      const row = await readUntil(
        () => rowOf(table, child.pid),
        // A row that is read while the shell becomes `sleep` may have the arguments of one and the name of the other.
        (one) => one.argv.length > 0 && one.argv[0] !== 'bash' && one.name !== 'bash',
      );
      assert.deepEqual(row.argv, ['renamed-server', '100']);
      assert.equal(row.name, exact ? 'sleep' : row.name);
    });

    it('leaves zombies out and does not take them for alive', async () => {
      // The shell becomes `sleep`, which never asks for its child's end.
      const { client, pid } = await children.startClient('bash', ['-c', 'sleep 100 & echo $!; exec sleep 100']);
      const { identity } = await rowOf(table, pid);
      process.kill(pid, 'SIGKILL');
      const state = (): string => execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).trim();
      assertNames(
        await readUntil(
          async () => state(),
          (text) => text.startsWith('Z'),
        ),
        'Z',
      );
      assert.equal(
        (await table.list()).some((row) => row.pid === pid),
        false,
      );
      assert.equal((await table.pids()).includes(pid), false);
      assert.equal(await table.isAlive(identity), false);
      assert.equal(await table.isAlive((await rowOf(table, client.pid)).identity), true);
    });

    it('lists processes, not their threads', async () => {
      const child = await children.start(process.execPath, ['-e', waits]);
      const threads = await readUntil(
        async () => readdirSync(`/proc/${child.pid}/task`).map(Number),
        (ids) => ids.length > 3,
      );
      assert.ok(threads.length > 3, `${threads.length} threads`);
      const listed = new Set((await table.list()).map((row) => row.pid));
      assert.deepEqual(
        threads.filter((id) => listed.has(id)),
        [child.pid],
      );
    });

    it('knows that a process is gone', async () => {
      const child = await children.start('sleep', ['100']);
      const row = await rowOf(table, child.pid);
      assert.equal(await table.isAlive(row.identity), true);
      assert.equal(await table.isAlive({ ...row.identity, start: exact ? 'lx:1' : 'ps:1' }), false);
      assert.equal(await table.isAlive({ ...row.identity, bootId: 'another' }), false);
      assert.equal(await table.isAlive({ ...row.identity, pidNamespace: '1' }), false);
      await kill(child);
      assert.equal(await table.isAlive(row.identity), false);
      assert.deepEqual(await table.detail(row), { stdin: 'unknown', listens: 'unknown', missing: ['gone'] });
    });

    it('puts ancestors and descendants in order', async () => {
      const { client, pid } = await children.startClient('bash', ['-c', 'sleep 100 & echo $!; wait']);
      const tree = processTree(await table.list());
      const rowWith = (wanted: number): ProcessRow => tree.rows.find((row) => row.pid === wanted) ?? assert.fail(`no PID ${wanted}`);
      assert.deepEqual(
        tree.treeOf(rowWith(client.pid)).map((row) => row.pid),
        [client.pid, pid],
      );
      assert.deepEqual(
        tree
          .ancestorsOf(rowWith(pid))
          .slice(0, 2)
          .map((row) => row.pid),
        [client.pid, process.pid],
      );
    });

    it('reads program and working directory, also when the directory was deleted', async () => {
      const cwd = join(folder, `gone ${name}`);
      mkdirSync(cwd);
      const child = await children.start('sleep', ['100'], { cwd });
      const row = await rowOf(table, child.pid);
      const detail = await table.detail(row);
      assert.equal(detail.cwd, cwd);
      assert.equal(detail.exe, realpathSync(execFileSync('sh', ['-c', 'command -v sleep'], { encoding: 'utf8' }).trim()));
      rmdirSync(cwd);
      const after = await table.detail(row);
      assert.equal(after.cwd?.replace(/ \(deleted\)$/, ''), cwd);
      if (exact) {
        assertNames(after.cwd, '(deleted)');
      }
    });

    it('tells the null device, a file and a terminal at standard input', async () => {
      const file = join(folder, 'input');
      writeFileSync(file, 'text');
      const fd = openSync(file, 'r');
      const nothing = await children.start('sleep', ['100']);
      const fromFile = await children.start('sleep', ['100'], { stdio: [fd, 'ignore', 'ignore'] });
      closeSync(fd);
      const code =
        'import os, pty, sys, time\npid, fd = pty.fork()\nif pid == 0: os.execvp("sleep", ["sleep", "100"])\nprint(pid, flush=True)\ntime.sleep(100)';
      const { pid } = await children.startClient('python3', ['-c', code]);
      const stdin = async (which: number): Promise<string> => (await table.detail(await rowOf(table, which))).stdin;
      assert.equal(await stdin(nothing.pid), 'null-device');
      assert.equal(await stdin(fromFile.pid), 'file');
      assert.equal(
        await readUntil(
          () => stdin(pid),
          (state) => state === 'terminal',
        ),
        'terminal',
      );
    });

    it('finds who accepts connections', async () => {
      const code = `const s = require('node:net').createServer().listen(PORT, () => console.log('ready'))`;
      const tcp = await children.start(process.execPath, ['-e', code.replace('PORT', "0, '127.0.0.1'")], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const path = JSON.stringify(join(folder, `${name}.sock`));
      const local = await children.start(process.execPath, ['-e', code.replace('PORT', path)], { stdio: ['ignore', 'pipe', 'inherit'] });
      const deaf = await children.start('sleep', ['100']);
      await Promise.all([firstLine(tcp), firstLine(local)]);
      const listens = async (pid: number): Promise<unknown> => (await table.detail(await rowOf(table, pid))).listens;
      assert.equal(await listens(tcp.pid), true);
      assert.equal(await listens(deaf.pid), false);
      // lsof of Linux says "(LISTEN)" of UNIX sockets too.
      assert.equal(await listens(local.pid), true);
    });
  });
}
