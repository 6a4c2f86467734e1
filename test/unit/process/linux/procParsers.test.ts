import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { bootEpochReader, parseAuxiliaryVector, parseTimeOffsets, readProcSystem } from '../../../../src/process/linux/procClock.ts';
import { parseCmdline } from '../../../../src/process/linux/procCmdline.ts';
import { parseEnvironment } from '../../../../src/process/linux/procDetail.ts';
import type { ProcFs } from '../../../../src/process/linux/procFs.ts';
import { parseTcpSockets } from '../../../../src/process/linux/procNetTcp.ts';
import { parseUnixSockets, unixPeer } from '../../../../src/process/linux/procSockets.ts';
import { isRunning, parseProcStat } from '../../../../src/process/linux/procStat.ts';
import { namesNamespaceInit } from '../../../../src/process/tree/processTree.ts';

/** Captured on Linux 6.18; the name is put in. */
const statLine = (name: string, state = 'S', threads = 1, vsize = 2_838_528, flags = 4_194_304): string =>
  `22007 (${name}) ${state} 21999 5692 5485 0 -1 ${flags} 225 0 0 0 12 30 0 0 20 0 ${threads} 0 509054 ${vsize} 411 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n`;

describe('parseProcStat', () => {
  for (const name of ['sleep', 'a) S 1 (b', ') R 1 1 1', 'two words', 'line\nbreak', '((', '']) {
    it(`counts from the last parenthesis: ${JSON.stringify(name)}`, () => {
      const stat = parseProcStat(statLine(name));
      assert.deepEqual(stat, {
        name,
        state: 'S',
        ppid: 21_999,
        group: 5_692,
        threads: 1,
        faults: 225,
        processorTicks: 42,
        addressBytes: 2_838_528,
        startTicks: 509_054,
        rssPages: 411,
        kernelThread: false,
        hasMemory: true,
      });
    });
  }

  it('knows kernel threads by their flag, and who has no memory left', () => {
    assert.equal(parseProcStat(statLine('kworker/0:1', 'I', 1, 0, 0x0420_8060))?.kernelThread, true);
    assert.equal(parseProcStat(statLine('python3', 'Z', 1, 0))?.hasMemory, false);
  });

  it('takes a process for running as long as one of its threads does', () => {
    const running = (state: string, threads: number): boolean => {
      const stat = parseProcStat(statLine('x', state, threads));
      return stat !== undefined && isRunning(stat);
    };
    assert.deepEqual(
      [running('S', 1), running('T', 1), running('Z', 1), running('Z', 3), running('X', 1)],
      [true, true, false, true, false],
    );
  });

  for (const text of ['', 'garbage', '1 (x) S', '1 (x', ') (', '1 (x) SS 1 2 3', '\0\0\0']) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseProcStat(text), undefined));
  }
});

describe('parseCmdline', () => {
  // Captured with `od -c` from real programs: node's process.title, perl's $0, bash's exec -a, Chromium's helpers, nginx.
  const cases: readonly [string, string, readonly string[], boolean][] = [
    ['plain', 'sleep\x00100\0', ['sleep', '100'], true],
    ['one argument', 'sleep\0', ['sleep'], true],
    ['empty arguments within', 'node\0\0a b\0\0', ['node', '', 'a b', ''], true],
    ['an empty first argument', '\x0020\0', ['', '20'], true],
    ['line breaks and Unicode', 'x\0a\nb\0Grüße 🐑\0', ['x', 'a\nb', 'Grüße 🐑'], true],
    ['a path with blanks alone', '/opt/My Server/bin/run\0', ['/opt/My Server/bin/run'], true],
    ['blanks in the first of several', 'my server\x0020\0', ['my server', '20'], true],
    ['a title padded with NULs', `npm exec @scope/server\0${'\0'.repeat(40)}`, ['npm', 'exec', '@scope/server'], false],
    ['a title of one word, padded', 'my-mcp\0\0\0', ['my-mcp'], false],
    ['a title that fills the room', 'nginx: master process /usr/sbin/nginx\0', ['nginx:', 'master', 'process', '/usr/sbin/nginx'], false],
    ['a title that runs over the end', 'perl title much longer', ['perl', 'title', 'much', 'longer'], false],
    ['a title padded with blanks', 'postgres: writer     \0', ['postgres:', 'writer'], false],
    ['a helper of Chromium', '/usr/share/code/code --type=utility --x\0', ['/usr/share/code/code', '--type=utility', '--x'], false],
    ['nothing', '', [], false],
    ['padding only', '\0\0\0', [], false],
  ];
  for (const [what, text, argv, argvExact] of cases) {
    it(`reads ${what}`, () => {
      const words = parseCmdline(text);
      assert.deepEqual({ argv: words.argv, argvExact: words.argvExact }, { argv, argvExact });
      assert.ok(!words.commandLine.includes('\0'));
      assert.equal(words.commandLine, words.commandLine.trim());
    });
  }

  it('does not call arguments exact that were cut', () => assert.equal(parseCmdline('a\0b\0', true).argvExact, false));
});

describe('parseEnvironment', () => {
  it('takes the first of two equal names, and values with signs in them', () => {
    const text = 'A=1\0B=x=y\0A=2\0EMPTY=\0no sign\0=C:=x\0L=a\nb\0';
    assert.deepEqual(
      [...parseEnvironment(text)],
      [
        ['A', '1'],
        ['B', 'x=y'],
        ['EMPTY', ''],
        ['L', 'a\nb'],
      ],
    );
  });
  it('leaves out an entry that is not whole', () => assert.deepEqual([...parseEnvironment('A=1\0B=half', true)], [['A', '1']]));
});

describe('/proc/net/unix', () => {
  const head = 'Num       RefCount Protocol Flags    Type St Inode Path\n';
  const row = (inode: number, count: string, flags = '00000000', type = '0001', state = '03', path = ''): string =>
    `00000000e47cd088: ${count} 00000000 ${flags} ${type} ${state} ${inode}${path}\n`;

  it('tells living peers from dead ones by the reference count', () => {
    const sockets = parseUnixSockets(head + row(1, '00000003') + row(2, '00000002') + row(3, '00000007'));
    assert.deepEqual(
      ['1', '2', '3', '4'].map((inode) => unixPeer(sockets, inode)),
      ['connected', 'none', 'connected', undefined],
    );
  });

  it('says nothing about datagrams, listeners and unconnected sockets', () => {
    const text =
      head +
      row(1, '00000002', '00000000', '0002') +
      row(2, '00000002', '00010000', '0001', '01', ' /run/x y.sock') +
      row(3, '00000002', '00000000', '0001', '01');
    const sockets = parseUnixSockets(text);
    assert.deepEqual(
      ['1', '2', '3'].map((inode) => unixPeer(sockets, inode)),
      [undefined, undefined, undefined],
    );
    const listener = sockets.byInode.get('2');
    assert.ok(typeof listener === 'object' && listener.listening);
  });

  it('trusts no counts that Linux cannot have', () => {
    const sockets = parseUnixSockets(head + row(1, '00000002') + row(2, '00000001'));
    assert.equal(unixPeer(sockets, '1'), undefined);
  });

  it('is not led by a forged line, wherever it stands', () => {
    const forged = row(9, '00000003', '00000000', '0001', '01', ` @x\n0000000000000000: 00000002 00000000 00000000 0001 03 1`);
    for (const text of [row(1, '00000003') + forged, forged + row(1, '00000003')]) {
      assert.equal(unixPeer(parseUnixSockets(head + text), '1'), undefined);
    }
  });
});

describe('/proc/net/tcp', () => {
  it('knows listeners and ended connections, of both families', () => {
    // Captured on Linux 6.18; the third is closing and has no owner.
    const tcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:A2C1 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 53101 1 00000000e47cd088 100 0 0 10 0
   1: 0100007F:A2C1 0100007F:E0B2 01 00000000:00000000 00:00000000 00000000     0        0 53102 1 00000000e47cd088 20 4 30 10 -1
   2: 0100007F:E0B4 0100007F:A2C1 06 00000000:00000000 03:00000171 00000000     0        0 0 3 00000000e47cd088
   3: 0100007F:E0B6 0100007F:A2C1 08 00000000:00000000 00:00000000 00000000     0        0 53103 1 00000000e47cd088 20 4 30 10 -1
`;
    const tcp6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 53104 1 00000000e47cd088 100 0 0 10 0
`;
    assert.deepEqual(
      [...parseTcpSockets(tcp, tcp6)],
      [
        ['53101', 'listening'],
        ['53102', 'established'],
        ['53103', 'ended'],
        ['53104', 'listening'],
      ],
    );
  });
  it('reads nothing from nothing', () => assert.equal(parseTcpSockets('', 'garbage\n1: 2\n').size, 0));
});

describe('What the kernel tells about itself', () => {
  it('finds CLK_TCK and the page size in the auxiliary vector, of any word size and order', () => {
    const pairs: readonly (readonly [number, number])[] = [
      [33, 7],
      [6, 65_536],
      [17, 250],
      [0, 0],
      [17, 1],
    ];
    for (const word of [4, 8] as const) {
      for (const order of ['LE', 'BE'] as const) {
        const bytes = Buffer.alloc(pairs.length * 2 * word);
        pairs.flat().forEach((value, index) => {
          if (word === 8) {
            bytes[order === 'LE' ? 'writeBigUInt64LE' : 'writeBigUInt64BE'](BigInt(value), index * 8);
          } else {
            bytes[order === 'LE' ? 'writeUInt32LE' : 'writeUInt32BE'](value, index * 4);
          }
        });
        const vector = parseAuxiliaryVector(bytes, word, order);
        assert.deepEqual([vector.get(17), vector.get(6)], [250, 65_536]);
      }
    }
    assert.equal(parseAuxiliaryVector(Buffer.from([1, 2, 3]), 8, 'LE').size, 0);
  });

  it('reads what a time namespace adds', () => {
    assert.deepEqual(parseTimeOffsets('monotonic        5000         0\nboottime       -100000         500000000\n'), {
      monotonic: 5_000_000,
      boottime: -99_999_500,
    });
    assert.deepEqual(parseTimeOffsets(''), { monotonic: 0, boottime: 0 });
  });

  const refuse = (): never => {
    throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
  };
  const noProc: ProcFs = {
    names: refuse,
    read: refuse,
    bytes: refuse,
    link: refuse,
    owner: refuse,
    linkMode: refuse,
    node: refuse,
    file: refuse,
  };

  it('has a value for everything that cannot be read', () => {
    assert.deepEqual(readProcSystem(noProc, '/proc'), {
      bootId: '-',
      pidNamespace: '-',
      ticksPerSecond: 100,
      pageSize: 4_096,
      boottimeOffset: 0,
      monotonicOffset: 0,
    });
  });

  describe('bootEpochReader', () => {
    const machine = (uptime: string) => {
      const state = { now: 1_800_000_000_000, monotonic: 50_000, uptime };
      const fs: ProcFs = { ...noProc, read: () => ({ text: `${state.uptime} 1.00\n`, cut: false }) };
      const read = bootEpochReader(
        fs,
        '/proc',
        readProcSystem(noProc, '/proc'),
        () => state.now,
        () => state.monotonic,
      );
      return { state, read };
    };

    it('is now minus the uptime, and stays still while only time passes', () => {
      const { state, read } = machine('50.00');
      assert.deepEqual(read(), { at: 1_799_999_950_000, errorMs: 20 });
      state.now += 1_009;
      state.monotonic += 1_009;
      state.uptime = '51.00';
      assert.equal(read().at, 1_799_999_950_000);
    });

    it('follows a step of the wall clock', () => {
      const { state, read } = machine('50.00');
      read();
      state.now += 3_600_000;
      assert.equal(read().at, 1_800_003_550_000);
    });

    it('counts suspended time, which the monotonic clock leaves out', () => {
      const { read } = machine('5050.00');
      assert.deepEqual(read(), { at: 1_799_994_950_000, errorMs: 20 });
    });

    it('does not believe an uptime that is a container’s own', () => {
      assert.deepEqual(machine('10.00').read(), { at: 1_799_999_950_000, errorMs: 1_000 });
    });

    it('does without an uptime', () => {
      assert.deepEqual(machine('garbage').read(), { at: 1_799_999_950_000, errorMs: 1_000 });
    });
  });
});

describe('namesNamespaceInit', () => {
  it('reads the innermost PID', () => {
    assert.equal(namesNamespaceInit('Name:\tsh\nPid:\t40\nNSpid:\t40\t1\nUid:\t0'), true);
    assert.equal(namesNamespaceInit('NSpid:\t1\n'), true);
    assert.equal(namesNamespaceInit('NSpid:\t40\t1\t7\n'), false);
    assert.equal(namesNamespaceInit('NSpid:\t11\n'), false);
    assert.equal(namesNamespaceInit('Pid:\t1\nPPid:\t0\n'), false);
  });
});
