import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { splitWindowsArgs } from '../../../../src/process/commandline/windowsArgs.ts';
import { CimTable, cimScript, parseCimOutput, parseNetstat } from '../../../../src/process/otherSystems/cimTable.ts';

const fixture = (name: string): string => readFileSync(join(import.meta.dirname, '../../../fixtures/process', name), 'utf8');

describe('splitWindowsArgs', () => {
  // The table of Microsoft Learn, "Parsing C++ command-line arguments", with a program before it, and cases of its rules.
  const cases: readonly [string, readonly string[]][] = [
    ['p "a b c" d e', ['p', 'a b c', 'd', 'e']],
    [String.raw`p "ab\"c" "\\" d`, ['p', 'ab"c', '\\', 'd']],
    [String.raw`p a\\\b d"e f"g h`, ['p', String.raw`a\\\b`, 'de fg', 'h']],
    [String.raw`p a\\\"b c d`, ['p', String.raw`a\"b`, 'c', 'd']],
    [String.raw`p a\\\\"b c" d e`, ['p', String.raw`a\\b c`, 'd', 'e']],
    ['p a"b"" c d', ['p', 'ab" c d']],
    [
      String.raw`"C:\Program Files\nodejs\node.exe" "C:\my dir\s.js" --x=""`,
      [String.raw`C:\Program Files\nodejs\node.exe`, String.raw`C:\my dir\s.js`, '--x='],
    ],
    [String.raw`"C:\dir\" x`, ['C:\\dir\\', 'x']],
    [String.raw`C:\a"b c"d\e.exe x`, [String.raw`C:\ab cd\e.exe`, 'x']],
    ['p "" x', ['p', '', 'x']],
    ['p\t a \t b  ', ['p', 'a', 'b']],
    ['  p a', ['p', 'a']],
    ['p "open', ['p', 'open']],
    ['p \\\\server\\share\\', ['p', '\\\\server\\share\\']],
    ['p Grüße 你好', ['p', 'Grüße', '你好']],
    ['p', ['p']],
    ['', []],
    ['  ', []],
  ];
  for (const [text, args] of cases) {
    it(text === '' ? 'nothing' : text, () => assert.deepEqual(splitWindowsArgs(text), args));
  }
});

describe('parseCimOutput', () => {
  it('reads the answer: titles, Unicode, refused command lines, numbers as texts', () => {
    const found = parseCimOutput(fixture('cim.json'));
    assert.deepEqual(
      found.map(({ row }) => row.pid),
      [4, 1200, 5044, 6100, 6200, 6300],
    );
    const server = found[3];
    assert.deepEqual(server, {
      row: {
        identity: { bootId: 'win-134084123456789012', pidNamespace: '-', pid: 6100, start: 'win:134084987654321010' },
        pid: 6100,
        ppid: 5044,
        startedAt: 1_764_025_165_432,
        startErrorMs: 1,
        name: 'node.exe',
        argv: ['C:\\Program Files\\nodejs\\node.exe', 'C:\\Users\\Jürgen\\serveur é\\index.js', '--name', '羊'],
        argvExact: true,
        commandLine: '"C:\\Program Files\\nodejs\\node.exe" "C:\\Users\\Jürgen\\serveur é\\index.js" --name 羊',
        rssBytes: 58_331_136,
        state: '?',
      },
      exe: 'C:\\Program Files\\nodejs\\node.exe',
    });
    const refused = found[1];
    assert.deepEqual([refused?.row.argv, refused?.row.argvExact, refused?.exe], [[], false, undefined]);
  });

  it('leaves out the query with its window, processes without a start, and what is no process', () => {
    const pids = parseCimOutput(fixture('cim.json')).map(({ row }) => row.pid);
    assert.deepEqual(
      [0, 7000, 7001, 7777].filter((pid) => pids.includes(pid)),
      [],
    );
  });

  it('takes no stranger for a parent that is younger than its child', () => {
    const found = new Map(parseCimOutput(fixture('cim.json')).map(({ row }) => [row.pid, row]));
    assert.equal(found.get(6200)?.ppid, 0);
    assert.equal(found.get(6100)?.ppid, 5044);
    // A parent that is gone stays named; nothing speaks against it.
    assert.equal(found.get(5044)?.ppid, 4999);
  });

  it('reads a list of one as an object, and one that is wrapped, after a byte order mark', () => {
    const one = { pid: 9, ppid: 1, name: 'a.exe', cmd: 'a', exe: null, start: '134084987654321010', rss: 1 };
    for (const processes of [one, [one], { value: [one], Count: 1 }]) {
      assert.deepEqual(
        parseCimOutput(`\uFEFF${JSON.stringify({ self: 7, processes })}`).map(({ row }) => [row.pid, row.identity.bootId]),
        [[9, 'win-unknown']],
      );
    }
    assert.deepEqual(parseCimOutput('{"self":7,"processes":null}'), []);
  });

  for (const text of ['', 'Get-CimInstance : Access denied', '[]', 'null', '{"processes":']) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.throws(() => parseCimOutput(text)));
  }
});

describe('parseNetstat', () => {
  it('finds listeners by the foreign port, in any language', () => {
    assert.deepEqual([...parseNetstat(fixture('netstat-de.txt'))], [1096, 6100, 4]);
  });
});

describe('CimTable on a Windows of texts', () => {
  const windows = (answer: () => string, netstat: () => string = () => fixture('netstat-de.txt')) => {
    const calls: string[][] = [];
    let now = 0;
    const table = new CimTable({
      env: { SystemRoot: 'D:\\WINNT' },
      clock: () => now,
      run: async (file, args) => {
        calls.push([file, ...args]);
        return file.endsWith('netstat.exe') ? netstat() : answer();
      },
    });
    return { table, calls, pass: (ms: number) => (now += ms) };
  };
  const cim = (): string => fixture('cim.json');

  it('asks once, without profile or prompt, by full path', async () => {
    const { table, calls } = windows(cim);
    assert.equal((await table.list()).length, 6);
    assert.equal(calls.length, 1);
    const [file, ...args] = calls[0] ?? [];
    assert.equal(file, 'D:\\WINNT\\System32\\WindowsPowerShell\\v1.0\\powershell.exe');
    assert.deepEqual(args.slice(0, -1), ['-NoLogo', '-NoProfile', '-NonInteractive', '-EncodedCommand']);
    assert.equal(Buffer.from(args.at(-1) ?? '', 'base64').toString('utf16le'), cimScript);
    // The limit of a command line on Windows.
    assert.ok(args.join(' ').length < 8_000);
  });

  it('lets ticks share an answer, and asks together only once', async () => {
    const { table, calls, pass } = windows(cim);
    await Promise.all([table.list(), table.pids(), table.list()]);
    assert.equal(calls.length, 1);
    pass(4_000);
    await table.pids();
    assert.equal(calls.length, 1);
    pass(2_000);
    await table.pids();
    assert.equal(calls.length, 2);
  });

  it('knows the living from the gone, and from others with their number', async () => {
    let text = cim();
    const { table, pass } = windows(() => text);
    const row = (await table.list()).find((one) => one.pid === 6100);
    assert.ok(row);
    assert.equal(await table.isAlive(row.identity), true);
    assert.equal(await table.isAlive({ ...row.identity, start: 'win:1' }), false);
    text = text.replace('134084987654321010', '134084999999999990');
    pass(10_000);
    assert.equal(await table.isAlive(row.identity), false);
    assert.deepEqual(await table.detail(row), { stdin: 'unknown', listens: 'unknown', missing: ['gone'] });
  });

  it('gives program and listeners, and the reason for the rest', async () => {
    const { table, calls } = windows(cim);
    const rows = await table.list();
    const detail = async (pid: number) => {
      const row = rows.find((one) => one.pid === pid);
      assert.ok(row);
      return table.detail(row);
    };
    const notGiven = 'cwd, environment, stdin: not given by this system';
    assert.deepEqual(await detail(6100), {
      exe: 'C:\\Program Files\\nodejs\\node.exe',
      stdin: 'unknown',
      listens: true,
      missing: [notGiven],
    });
    assert.deepEqual(await detail(1200), { stdin: 'unknown', listens: false, missing: ['exe: permission denied', notGiven] });
    assert.equal(calls.filter(([file]) => file?.endsWith('netstat.exe')).length, 2);
    const broken = windows(cim, () => {
      throw new Error('netstat.exe failed (1)');
    });
    const [row] = await broken.table.list();
    assert.ok(row);
    assert.equal((await broken.table.detail(row)).listens, 'unknown');
  });

  it('says that it has no list, without quoting what it got', async () => {
    for (const text of ['TOKEN=secret is not JSON', '{"self":1,"processes":[]}']) {
      const { table } = windows(() => text);
      await assert.rejects(table.list(), (error: unknown) => error instanceof Error && !error.message.includes('secret'));
    }
  });
});
