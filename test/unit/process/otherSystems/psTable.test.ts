import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import type { ProcessDescriptor } from 'ps-list';
import type { RunProgram } from '../../../../src/base/runProgram.ts';
import { lsofListens, lsofPaths, lsofStdin, parseLsofFields } from '../../../../src/process/otherSystems/lsofFields.ts';
import { isListedLine, kernelThreadParent, parseLstart, parsePsLines } from '../../../../src/process/otherSystems/psLines.ts';
import { PsTable, readBootId } from '../../../../src/process/otherSystems/psTable.ts';

const fixture = (name: string): string => readFileSync(join(import.meta.dirname, '../../../fixtures/process', name), 'utf8');
const session = '6F3C1B52-5A0D-4B53-9C55-0B9C3B8C9A11';

/** A machine whose helper programs answer from a table, by their command line. */
function machine(answers: Readonly<Record<string, string>>): RunProgram {
  return async (file, args) => {
    const answer = answers[[file, ...args].join(' ')];
    if (answer === undefined) {
      throw new Error(`${file} failed (1)`);
    }
    return answer;
  };
}

describe('psLines', () => {
  it('parses the lines of macOS and leaves out the header, the broken and the empty', () => {
    const lines = parsePsLines(fixture('ps-macos.txt'));
    assert.deepEqual(lines[0], { pid: 1, ppid: 0, state: 'S', rssBytes: 13_104 * 1_024, processorMs: 751_230, name: '/sbin/launchd' });
    assert.deepEqual(
      lines.filter((line) => isListedLine(line, 900, kernelThreadParent(lines))).map((line) => line.pid),
      [1, 2, 412, 901],
    );
    assert.deepEqual(parsePsLines('PID PPID STAT RSS COMM\n\ngarbage\n'), []);
  });

  it('leaves out the kernel’s threads, and not what happens to be PID 2 in a container', () => {
    const listed = (text: string): number[] => {
      const lines = parsePsLines(text);
      return lines.filter((line) => isListedLine(line, 900, kernelThreadParent(lines))).map((line) => line.pid);
    };
    assert.deepEqual(
      listed('1 0 S 9 00:00:01 init\n2 0 S 0 00:00:00 kthreadd\n15 2 I 0 00:00:00 rcu_preempt\n20 1 S 9 00:00:00 node\n'),
      [1, 20],
    );
    assert.deepEqual(listed('1 0 S 9 00:00:00 sh\n2 1 S 9 00:00:00 node\n15 2 S 9 00:00:00 server\n'), [1, 2, 15]);
  });

  it('reads processor time as procps and macOS print it', () => {
    const times = ['00:00:07', '1-02:03:04', '0:00.05', '61:01.50', '-'];
    assert.deepEqual(
      times.map((time) => parsePsLines(`7 1 S 9 ${time} node`)[0]?.processorMs),
      [7_000, 93_784_000, 50, 3_661_500, undefined],
    );
  });

  it('parses starts as ps prints them, day or month first', () => {
    const expected = new Date(2026, 10, 3, 9, 5, 7).getTime() / 1_000;
    assert.equal(parseLstart('Tue Nov  3 09:05:07 2026'), expected);
    assert.equal(parseLstart(' Tue  3 Nov 09:05:07 2026 '), expected);
    assert.equal(parseLstart('Di 3. Nov 09:05:07 2026'), undefined);
    assert.equal(parseLstart(''), undefined);
  });
});

describe('lsofFields', () => {
  const of = (name: string) => parseLsofFields(fixture(name));

  it('reads directory, program, input and listeners of a macOS server', () => {
    const files = of('lsof-macos-node.txt');
    assert.deepEqual(lsofPaths(files), { cwd: '/Users/ann/my project', exe: '/opt/homebrew/Cellar/node/24.1.0/bin/node' });
    assert.equal(lsofStdin(files), 'connected');
    assert.equal(lsofListens(files), true);
  });

  it('tells an input whose other end is gone, and does not guess', () => {
    const input = (type: string, name: string): string => lsofStdin(parseLsofFields(`p7\nfcwd\ntDIR\nn/\nf0\nt${type}\nn${name}\n`));
    assert.deepEqual(
      [input('unix', '->(none)'), input('unix', '->0x8a0fd0a1'), input('PIPE', '->0x7c2d01'), input('PIPE', ''), input('PIPE', '->0x0')],
      ['none', 'connected', 'connected', 'unknown', 'unknown'],
    );
    assert.deepEqual(
      [
        input('CHR', '/dev/null'),
        input('CHR', '/dev/ttys003'),
        input('REG', '/tmp/x'),
        input('FIFO', 'pipe'),
        input('unix', 'type=STREAM (CONNECTED)'),
      ],
      ['null-device', 'terminal', 'file', 'unknown', 'unknown'],
    );
    assert.equal(lsofStdin(parseLsofFields('p7\nfcwd\ntDIR\nn/\n')), 'unknown');
  });

  it('does not take a refusal for a path', () => {
    assert.deepEqual(lsofPaths(of('lsof-linux-refused.txt')), {});
  });

  it('leaves open whether a UNIX socket with a path listens', () => {
    assert.equal(lsofListens(parseLsofFields('p7\nf5\ntunix\nn/tmp/x.sock\n')), 'unknown');
    assert.equal(lsofListens(parseLsofFields('p7\nf5\ntIPv4\nnhost:1->other:2\nTST=ESTABLISHED\n')), false);
  });
});

describe('PsTable on a macOS of texts', () => {
  const one = (pid: number, ppid: number, cmd: string, seconds: number, name = 'node'): ProcessDescriptor => ({
    pid,
    ppid,
    cmd,
    name,
    uid: 501,
    startTime: new Date(seconds * 1_000),
  });
  const ps = 'ps -A -o pid=,ppid=,stat=,rss=,time=,comm=';
  const boot = 'sysctl -n kern.bootsessionuuid';

  it('joins the list with states and memory, leaves zombies and itself out, and needs a start', async () => {
    const table = new PsTable({
      run: machine({ [boot]: `${session}\n`, [ps]: fixture('ps-macos.txt').replaceAll('900', String(process.pid)) }),
      listProcesses: async () => [
        one(1, 0, '/sbin/launchd', 1_000, 'launchd'),
        one(412, 1, '/opt/homebrew/bin/node /Users/ann/my project/server.js', 2_000),
        one(413, 1, '<defunct>', 2_000),
        one(905, process.pid, 'ps awwxo pid=,ppid=', 3_000, 'ps'),
        { pid: 901, ppid: 1, name: 'x' },
      ],
    });
    const rows = await table.list();
    assert.deepEqual(
      rows.map((row) => row.pid),
      [1, 412],
    );
    assert.deepEqual(rows[1], {
      identity: { bootId: session.toLowerCase(), pidNamespace: '-', pid: 412, start: 'ps:2000' },
      pid: 412,
      ppid: 1,
      startedAt: 2_000_000,
      startErrorMs: 2_000,
      uid: 501,
      name: 'node',
      argv: ['/opt/homebrew/bin/node', '/Users/ann/my', 'project/server.js'],
      argvExact: false,
      commandLine: '/opt/homebrew/bin/node /Users/ann/my project/server.js',
      rssBytes: 52_224 * 1_024,
      processorMs: 3_661_500,
      state: 'S',
    });
  });

  it('lists without states when only ps-list answers', async () => {
    const table = new PsTable({
      run: machine({ [boot]: session }),
      listProcesses: async () => [one(7, 1, 'x y', 5), one(8, 1, '[x] <defunct>', 5)],
    });
    assert.deepEqual(
      (await table.list()).map((row) => [row.pid, row.state, row.rssBytes]),
      [[7, '?', 0]],
    );
    await assert.rejects(table.pids(), /ps failed/);
  });

  it('keeps an identity when ps is a second off the next time, and not when it is another start', async () => {
    let seconds = 2_000;
    const table = new PsTable({
      run: machine({ [boot]: session }),
      listProcesses: async () => [one(7, 1, 'x', seconds)],
    });
    const start = async (): Promise<string | undefined> => (await table.list())[0]?.identity.start;
    const seen = [await start()];
    for (seconds of [2_001, 1_999, 2_002]) {
      seen.push(await start());
    }
    assert.deepEqual(seen, ['ps:2000', 'ps:2000', 'ps:2000', 'ps:2002']);
  });

  it('says that it has no list when there is none', async () => {
    const table = new PsTable({ run: machine({}), listProcesses: async () => [] });
    await assert.rejects(table.list());
  });

  it('gives what lsof gives, and the reason for the rest', async () => {
    const list = async () => [one(412, 1, 'node x', 2_000)];
    const lstart = new Date(2_000_000);
    const printed = `Ss   ${lstart.toDateString().slice(0, 10)} ${lstart.toTimeString().slice(0, 8)} ${lstart.getFullYear()}`;
    const answers: Record<string, string> = { [boot]: session, 'ps -o stat=,lstart= -p 412': `${printed}\n` };
    const lsof = 'lsof -nP -p 412 -F ftnT';
    const detail = async (extra: Record<string, string>) => {
      const table = new PsTable({ run: machine({ ...answers, ...extra }), listProcesses: list });
      const [row] = await table.list();
      assert.ok(row);
      return table.detail(row);
    };
    assert.deepEqual(await detail({ [lsof]: fixture('lsof-macos-node.txt') }), {
      cwd: '/Users/ann/my project',
      exe: '/opt/homebrew/Cellar/node/24.1.0/bin/node',
      stdin: 'connected',
      listens: true,
      missing: ['environment: not given by this system'],
    });
    assert.deepEqual(await detail({ [lsof]: fixture('lsof-linux-refused.txt') }), {
      stdin: 'unknown',
      listens: 'unknown',
      missing: ['environment: not given by this system', 'cwd, stdin: permission denied'],
    });
    assert.deepEqual(await detail({}), {
      stdin: 'unknown',
      listens: 'unknown',
      missing: ['environment: not given by this system', 'exe, cwd, stdin: lsof is missing or was refused'],
    });
    assert.deepEqual(await detail({ 'ps -o stat=,lstart= -p 412': '' }), { stdin: 'unknown', listens: 'unknown', missing: ['gone'] });
    assert.deepEqual(await detail({ 'ps -o stat=,lstart= -p 412': printed.replace('Ss', 'Z') }), {
      stdin: 'unknown',
      listens: 'unknown',
      missing: ['gone'],
    });
  });

  it('names the boot by the session, else by the boot time, else by a rough one', async () => {
    assert.equal(await readBootId(machine({ [boot]: `${session}\n` })), session.toLowerCase());
    const boottime = '{ sec = 1795247460, usec = 221 } Sat Nov 21 07:51:00 2026\n';
    assert.equal(await readBootId(machine({ 'sysctl -n kern.boottime': boottime })), 'boot-1795247460');
    const rough = (now: number) =>
      readBootId(
        machine({}),
        () => now,
        () => 300,
      );
    assert.equal(await rough(1_800_000_310_000), await rough(1_800_000_450_000));
    assert.notEqual(await rough(1_800_000_310_000), await rough(1_800_003_450_000));
  });
});
