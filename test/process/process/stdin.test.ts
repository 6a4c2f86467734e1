import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'mocha';
import { ProcTable } from '../../../src/process/linux/procTable.ts';
import { assertNames } from '../../names.ts';
import { Children, deadPipesCanBeProven, firstLine, kill, readUntil, rowOf } from './children.ts';

/** Prints the PID of a server on a socket pair, as Node makes them, and keeps the other end. */
const nodeClient = `
const child = require('node:child_process').spawn('sleep', ['100'], { stdio: ['pipe', 'ignore', 'ignore'] });
child.once('spawn', () => console.log(child.pid));
process.stdin.once('data', () => child.stdin.destroy());
setInterval(() => {}, 1000);`;
/** The same with a pipe, through a shell that waits as launchers do: both have the reading end. */
const pipeClient = 'coproc { exec sh -c "sleep 100; true"; }; echo $COPROC_PID; read line; exec sleep 100';

describe('The other end of standard input, on Linux', function () {
  this.timeout(30_000);
  const children = new Children();
  const table = new ProcTable();
  let folder: string;

  before(function () {
    if (process.platform !== 'linux') {
      console.log('skipped: /proc tells about standard input on Linux only');
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'stdin-'));
  });
  afterEach(() => children.end());
  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  /** The answer for a fresh list, as a survey asks. */
  const stdin = async (pid: number): Promise<string> => (await table.detail(await rowOf(table, pid))).stdin;
  const linkOf = (pid: number): string => readlinkSync(`/proc/${pid}/fd/0`);
  /** The server behind a waiting shell. */
  const below = async (pid: number): Promise<number> => {
    const child = await readUntil(
      async () => (await table.list()).find((row) => row.ppid === pid),
      (row) => row?.name === 'sleep',
    );
    if (!child) {
      throw new Error(`Nothing runs below PID ${pid}.`);
    }
    children.remember(child.pid);
    return child.pid;
  };

  it('is connected while the client lives, and gone the moment it is killed: socket pair', async () => {
    const { client, pid } = await children.startClient(process.execPath, ['-e', nodeClient]);
    assertNames(linkOf(pid), 'socket:');
    assert.equal(await stdin(pid), 'connected');
    await kill(client);
    assert.equal(await stdin(pid), 'none');
  });

  it('is gone when a living client has closed its end: socket pair', async () => {
    const { client, pid } = await children.startClient(process.execPath, ['-e', nodeClient]);
    client.stdin?.write('close\n');
    assert.equal(
      await readUntil(
        () => stdin(pid),
        (state) => state === 'none',
      ),
      'none',
    );
  });

  it('stays connected when a copy of the client’s end lives on elsewhere: socket pair', async () => {
    const code = [
      'import os, socket, subprocess, sys, time',
      'ours, theirs = socket.socketpair()',
      'server = subprocess.Popen(["sleep", "100"], stdin=theirs)',
      'theirs.close()',
      'copy = subprocess.Popen(["sleep", "100"], stdin=ours)',
      'print(server.pid, copy.pid, flush=True)',
      'time.sleep(100)',
    ].join('\n');
    const client = await children.start('python3', ['-c', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [server = 0, copy = 0] = (await firstLine(client)).split(' ').map(Number);
    children.remember(server);
    children.remember(copy);
    await kill(client);
    assert.equal(await stdin(server), 'connected');
    process.kill(copy, 'SIGKILL');
    assert.equal(
      await readUntil(
        () => stdin(server),
        (state) => state === 'none',
      ),
      'none',
    );
  });

  it('is connected while the client lives, and gone when it is killed: pipe, with a launcher between', async function () {
    if (!deadPipesCanBeProven()) {
      this.skip();
    }
    const { client, pid: launcher } = await children.startClient('bash', ['-c', pipeClient]);
    const server = await below(launcher);
    assertNames(linkOf(server), 'pipe:');
    assert.equal(linkOf(server), linkOf(launcher));
    assert.equal(await stdin(server), 'connected');
    await kill(client);
    assert.equal(await stdin(server), 'none');
    assert.equal(await stdin(launcher), 'none');
  });

  it('is gone when a living client has closed its end: pipe', async function () {
    if (!deadPipesCanBeProven()) {
      this.skip();
    }
    const { client, pid: launcher } = await children.startClient('bash', ['-c', pipeClient]);
    const server = await below(launcher);
    assert.equal(await stdin(server), 'connected');
    // It replaces itself by a program, which closes the pipe that was its own.
    client.stdin?.write('\n');
    assert.equal(
      await readUntil(
        () => stdin(server),
        (state) => state === 'none',
      ),
      'none',
    );
  });

  it('is gone when only the process itself and its own children could write: pipe', async function () {
    if (!deadPipesCanBeProven()) {
      this.skip();
    }
    const code = [
      'import os, time',
      'r, w = os.pipe()',
      'os.dup2(r, 0)',
      'pid = os.fork()',
      'if pid == 0: os.execvp("sleep", ["sleep", "100"]) if os.dup2(w, 5) else None',
      'print(pid, flush=True)',
      'time.sleep(100)',
    ].join('\n');
    const { client, pid } = await children.startClient('python3', ['-c', code]);
    await readUntil(
      () => rowOf(table, pid),
      (row) => row.name === 'sleep',
    );
    assert.equal(readlinkSync(`/proc/${pid}/fd/5`), linkOf(client.pid));
    assert.equal(await stdin(client.pid), 'none');
    assert.equal(await stdin(pid), 'connected');
  });

  it('is unknown for a FIFO with a name, until a process opens it for writing', async () => {
    const path = join(folder, 'fifo');
    execFileSync('mkfifo', [path]);
    const reader = await children.start('bash', ['-c', 'exec sleep 100 0<>"$0"', path]);
    assert.equal(
      await readUntil(
        async () => linkOf(reader.pid),
        (link) => link === path,
      ),
      path,
    );
    assert.equal(await stdin(reader.pid), 'unknown');
    await children.start('bash', ['-c', 'exec sleep 100 >"$0"', path]);
    assert.equal(
      await readUntil(
        () => stdin(reader.pid),
        (state) => state === 'connected',
      ),
      'connected',
    );
  });

  it('is unknown when it was closed', async () => {
    const child = await children.start('bash', ['-c', 'exec sleep 100 <&-']);
    await readUntil(
      () => rowOf(table, child.pid),
      (row) => row.name === 'sleep',
    );
    const detail = await table.detail(await rowOf(table, child.pid));
    assert.equal(detail.stdin, 'unknown');
    assert.deepEqual(detail.missing, ['stdin: not there']);
  });

  it('follows a TCP connection', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.pause();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    try {
      const accepted = new Promise<import('node:net').Socket>((resolve) => server.once('connection', resolve));
      const child = await children.start('bash', ['-c', `exec sleep 100 <>/dev/tcp/127.0.0.1/${port}`]);
      const socket = await accepted;
      await readUntil(
        () => rowOf(table, child.pid),
        (row) => row.name === 'sleep',
      );
      assert.equal(await stdin(child.pid), 'connected');
      socket.destroy();
      assert.equal(
        await readUntil(
          () => stdin(child.pid),
          (state) => state === 'none',
        ),
        'none',
      );
    } finally {
      server.close();
    }
  });

  it('cannot be forged by the name of another socket', async () => {
    const { pid } = await children.startClient(process.execPath, ['-e', nodeClient]);
    const inode = /\d+/.exec(linkOf(pid))?.[0] ?? '';
    assert.equal(await stdin(pid), 'connected');
    // An abstract name may hold line breaks, and the kernel prints it as it is.
    const server = createServer();
    const name = `\0x\n0000000000000000: 00000002 00000000 00000000 0001 03 ${inode}`;
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(name, resolve));
    try {
      // The forged line was read, or this would still be `connected`.
      assert.equal(await stdin(pid), 'unknown');
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
    assert.equal(await stdin(pid), 'connected');
  });
});
