import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { RawDefinition } from '../../../../src/model/definition.ts';
import type { ProcessDetail, ProcessRow } from '../../../../src/model/process.ts';
import { npxHash } from '../../../../src/process/commandline/npmCommand.ts';
import { type Attributed, attributeServers } from '../../../../src/survey/match/attributeServers.ts';
import { definition, detail, row } from '../../../fixtures/argv/processRows.ts';
import { hangMs, processorTime } from '../../processorTime.ts';

const unread = detail();

interface Machine {
  readonly rows: readonly ProcessRow[];
  readonly details?: ReadonlyMap<number, ProcessDetail>;
}

/** Runs the attribution and counts who was looked at closely. */
async function look(
  machine: Machine,
  definitions: readonly RawDefinition[] = [],
): Promise<{ found: readonly Attributed[]; asked: number[] }> {
  const asked: number[] = [];
  const found = await attributeServers(
    machine.rows,
    definitions,
    async (one) => {
      asked.push(one.pid);
      return machine.details?.get(one.pid) ?? unread;
    },
    { platform: 'linux', home: '/home/u' },
  );
  return { found, asked };
}

function brief(found: readonly Attributed[]): string[] {
  return found.map((one) => `${one.server.pid} ${one.client?.id ?? '-'} ${one.definitions.map((each) => each.name).join('+') || '?'}`);
}

const memory = ['-y', '@modelcontextprotocol/server-memory'];

describe('attribution', () => {
  it('what was started through our guard is a server, whatever it is called; the guard’s watchdog is none', async () => {
    const { found } = await look({
      rows: [
        row(100, 1, ['/opt/host']),
        row(101, 100, ['node', '/opt/tools/dist/guard.cjs', '--lock', 'name:x', '--', 'node', '/opt/notes/index.js']),
        row(102, 101, ['node', '/opt/notes/index.js']),
        row(103, 101, ['/bin/sh', '-c', "trap '' HUP INT TERM\nservers=", 'mcp-shepherd-watchdog', '50']),
        row(104, 100, ['node', '/opt/notes/index.js']),
      ],
    });
    assert.deepEqual(brief(found), ['102 - ?']);
  });

  it('an application that runs a script of a server with itself as Node is one, and an editor that opens the script is none', async () => {
    const script = '/srv/node_modules/mcp-server-tiny/dist/index.js';
    const rows = [
      row(100, 1, ['/usr/bin/claude']),
      row(101, 100, ['/usr/share/code/code', script]),
      row(102, 100, ['/usr/share/code/code', script]),
      row(103, 100, ['/usr/share/code/code', '--no-warnings', '/srv/node_modules/.bin/mcp-server-tiny']),
      row(104, 100, ['/usr/share/code/code', '/srv/other/index.js']),
      row(105, 100, ['/usr/share/code/code', script]),
    ];
    const asNode = detail({ environment: { ELECTRON_RUN_AS_NODE: '1' } });
    const unreadable: ProcessDetail = { stdin: 'unknown', listens: 'unknown', missing: ['environment'] };
    const details = new Map([
      ...[101, 103, 104].map((pid) => [pid, asNode] as const),
      [102, detail()] as const,
      [105, unreadable] as const,
    ]);
    const { found } = await look({ rows, details });
    assert.deepEqual(brief(found), ['101 claude-code ?', '103 claude-code ?']);
  });

  it('finds 30 instances of 10 definitions by 4 clients, each rightly', async () => {
    const hosts: readonly (readonly [string, readonly string[], Record<string, string>])[] = [
      [
        'vscode',
        ['/home/u/.vscode-server/bin/1/node', '/home/u/.vscode-server/bin/1/out/bootstrap-fork', '--type=extensionHost'],
        { VSCODE_ESM_ENTRYPOINT: 'vs/workbench/api/node/extensionHostProcess' },
      ],
      ['opencode', ['/home/u/.opencode/bin/opencode', 'serve'], { OPENCODE: '1' }],
      ['claude-code', ['claude'], { CLAUDECODE: '1' }],
      ['codex', ['/opt/codex', 'app-server'], {}],
    ];
    const launches: readonly (readonly [string, readonly string[], (pid: number, ppid: number) => ProcessRow[]])[] = [
      ['npx', memory, (pid, ppid) => npx(pid, ppid, '@modelcontextprotocol/server-memory', 'mcp-server-memory')],
      ['npx', ['-y', 'context7-mcp', '--quick'], (pid, ppid) => npx(pid, ppid, 'context7-mcp', 'context7-mcp', ['--quick'])],
      [
        'uvx',
        ['mcp-server-git'],
        (pid, ppid) => [
          row(pid, ppid, ['uv', 'tool', 'uvx', 'mcp-server-git']),
          row(pid + 1, pid, ['/c/uv/archive-v0/A/bin/python', '/c/uv/archive-v0/A/bin/mcp-server-git']),
        ],
      ],
      ['node', ['/opt/a/index.js'], (pid, ppid) => [row(pid, ppid, ['node', '/opt/a/index.js'])]],
      ['node', ['/opt/b/index.js'], (pid, ppid) => [row(pid, ppid, ['node', '/opt/b/index.js'])]],
      ['python', ['-m', 'weather'], (pid, ppid) => [row(pid, ppid, ['python', '-m', 'weather'])]],
      ['/opt/v/bin/demo', ['--x'], (pid, ppid) => [row(pid, ppid, ['/opt/v/bin/python', '/opt/v/bin/demo', '--x'])]],
      ['docker', ['run', '-i', 'img'], (pid, ppid) => [row(pid, ppid, ['docker', 'run', '-i', 'img'])]],
      [
        'sh',
        ['-c', 'cd /opt/c && node run.js'],
        (pid, ppid) => [row(pid, ppid, ['sh', '-c', 'cd /opt/c && node run.js']), row(pid + 1, pid, ['node', 'run.js'])],
      ],
      ['/opt/bin/tool', ['serve'], (pid, ppid) => [row(pid, ppid, ['/opt/bin/tool', 'serve'])]],
    ];
    // Ten definitions in all: each stands in the files of three of the four clients, so that 30 instances run.
    const definitions: RawDefinition[] = [];
    const rows: ProcessRow[] = hosts.map(([, argv], index) => row(100 + index, 1, argv));
    const details = new Map<number, ProcessDetail>();
    const expected: string[] = [];
    let pid = 1_000;
    for (const [hostIndex, [client, , environment]] of hosts.entries()) {
      for (const [index, [command, args, start]] of launches.entries()) {
        if (index % 4 === hostIndex) {
          continue;
        }
        definitions.push(definition(`s${index}`, client, command, args));
        const chain = start(pid, 100 + hostIndex);
        const server = chain.at(-1)?.pid ?? 0;
        details.set(server, detail({ environment, cwd: index === 8 ? '/opt/c' : '/home/u' }));
        rows.push(...chain);
        expected.push(`${server} ${client} s${index}`);
        pid += 10;
      }
    }
    rows.push(...Array.from({ length: 200 }, (_, index) => row(5_000 + index, 1, ['/usr/lib/some-daemon', String(index)])));
    const { found } = await look({ rows, details }, definitions);
    assert.deepEqual(brief(found).sort(), expected.sort());
    assert.equal(expected.length, 30);
    assert.ok(found.every((one) => one.definitions[0]?.client === one.client?.id && one.confidence === 'proven'));
  });

  it('looks closely at few: the machine’s other processes cost one expression each', async () => {
    const rows = Array.from({ length: 3_000 }, (_, index) =>
      row(100 + index, 1, ['/usr/lib/firefox/firefox', `--tab=${index}`, 'index.html']),
    );
    const definitions = Array.from({ length: 60 }, (_, index) => definition(`d${index}`, 'cursor', 'npx', ['-y', `some-mcp-${index}`]));
    const start = processorTime();
    const { found, asked } = await look({ rows }, definitions);
    assert.deepEqual([found, asked], [[], []]);
    assert.ok(processorTime() - start < hangMs, `took ${processorTime() - start} ms`);
  });

  it('asks for each detail at most once', async () => {
    const rows = [row(10, 1, ['claude']), ...npx(20, 10, '@modelcontextprotocol/server-memory', 'x'), ...npx(30, 10, 'other-mcp', 'y')];
    const { asked } = await look({ rows }, [definition('m', 'claude-code', 'npx', memory)]);
    assert.equal(new Set(asked).size, asked.length);
  });

  it('gives one server for one chain, and none for what runs below it', async () => {
    const chain = npx(20, 10, '@playwright/mcp', 'mcp-server-playwright');
    const below = [
      row(40, 22, ['/opt/chrome', '--user-data-dir=/home/u/.cache/ms-playwright/mcp-chrome']),
      row(41, 22, ['node', '/opt/mcp-helper/index.js']),
    ];
    const { found } = await look({ rows: [row(10, 1, ['claude']), ...chain, ...below] });
    assert.deepEqual(brief(found), ['22 claude-code ?']);
    assert.deepEqual(
      found[0]?.launchers.map((one) => one.pid),
      [20, 21],
    );
  });

  it('takes the wrapper that an entry names for the server, with what it starts', async () => {
    const rows = [
      row(10, 1, ['claude']),
      row(20, 10, ['python', '/opt/wrap.py']),
      ...npx(30, 20, '@modelcontextprotocol/server-memory', 'm'),
    ];
    const { found } = await look({ rows }, [definition('w', 'claude-code', 'python', ['/opt/wrap.py'])]);
    assert.deepEqual(brief(found), ['20 claude-code w']);
  });

  it('takes what no entry names, and starts what an entry names, for a client', async () => {
    const rows = [row(10, 1, ['python', '/opt/mcp-agent/main.py']), ...npx(30, 10, '@modelcontextprotocol/server-memory', 'm')];
    const { found } = await look({ rows }, [definition('m', 'cursor', 'npx', memory)]);
    assert.deepEqual(brief(found), ['32 - m']);
    assert.equal(found[0]?.parent?.pid, 10);
  });

  it('lets a client that a server started have servers of its own', async () => {
    const rows = [
      row(10, 1, ['codex']),
      row(20, 10, ['node', '/opt/agent-mcp/index.js']),
      row(30, 20, ['claude', '-p', 'x']),
      row(40, 30, ['node', '/opt/some-mcp/index.js']),
    ];
    assert.deepEqual(brief((await look({ rows })).found), ['20 codex ?', '40 claude-code ?']);
  });

  it('goes by the nearest client: claude in a VS Code terminal', async () => {
    const rows = [
      row(5, 1, ['/x/.vscode-server/node', '/x/.vscode-server/out/bootstrap-fork', '--type=extensionHost']),
      row(6, 1, ['/x/.vscode-server/node', '/x/.vscode-server/out/bootstrap-fork', '--type=ptyHost']),
      row(7, 6, ['/bin/bash', '--init-file', '/x']),
      row(8, 7, ['claude']),
      row(20, 8, ['node', '/opt/a-mcp/index.js']),
      row(9, 5, ['/home/u/.vscode/extensions/anthropic.claude-code-2/resources/native-binary/claude']),
      row(30, 9, ['node', '/opt/a-mcp/index.js']),
      row(40, 5, ['node', '/opt/a-mcp/index.js']),
      row(50, 7, ['node', '/opt/a-mcp/index.js', '--by-hand']),
    ];
    const marks = { VSCODE_ESM_ENTRYPOINT: 'vs/workbench/api/node/extensionHostProcess', CLAUDECODE: '1' };
    const details = new Map([20, 30, 40].map((pid) => [pid, detail({ environment: marks })]));
    const { found } = await look({ rows, details });
    assert.deepEqual(brief(found), ['20 claude-code ?', '30 claude-code ?', '40 vscode ?', '50 - ?']);
    assert.equal(found[1]?.client?.row.pid, 9);
  });

  it('tells a desktop VS Code’s extension host by the mark that it leaves', async () => {
    const utility = ['/usr/share/code/code', '--type=utility', '--utility-sub-type=node.mojom.NodeService', '--lang=en'];
    const rows = [
      row(5, 1, utility),
      row(6, 1, utility),
      row(20, 5, ['node', '/opt/a-mcp/index.js']),
      row(30, 6, ['node', '/opt/a-mcp/index.js']),
    ];
    const details = new Map([
      [20, detail({ environment: { VSCODE_ESM_ENTRYPOINT: 'vs/workbench/api/node/extensionHostProcess' } })],
      [30, detail({ environment: { VSCODE_ESM_ENTRYPOINT: 'vs/platform/terminal/node/ptyHostMain' } })],
    ]);
    assert.deepEqual(brief((await look({ rows, details })).found), ['20 vscode ?', '30 - ?']);
  });

  it('keeps the Agent Host and the window apart', async () => {
    const rows = [
      row(5, 1, ['/x/.vscode-server/node', '/x/.vscode-server/out/bootstrap-fork', '--type=extensionHost']),
      row(6, 1, ['/x/@github/copilot-sdk-linux-x64/prebuilds/linux-x64/copilot-runtime']),
      ...npx(20, 5, '@modelcontextprotocol/server-memory', 'm'),
      ...npx(30, 6, '@modelcontextprotocol/server-memory', 'm'),
    ];
    const { found } = await look({ rows }, [definition('m', 'vscode', 'npx', memory, { readBy: ['vscode', 'vscode-agent-host'] })]);
    assert.deepEqual(brief(found), ['22 vscode m', '32 vscode-agent-host m']);
  });

  it('knows whose an orphan was by the marks, without inventing a living client', async () => {
    const server = row(20, 1, ['node', `/home/u/.npm/_npx/${npxHash(['@modelcontextprotocol/server-memory'])}/node_modules/.bin/m`]);
    const details = new Map([[20, detail({ environment: { CLAUDECODE: '1' }, stdin: 'none' })]]);
    const { found } = await look({ rows: [row(1, 0, ['/sbin/init']), server], details }, [
      definition('c', 'cursor', 'npx', memory),
      definition('cc', 'claude-code', 'npx', memory),
    ]);
    assert.deepEqual(brief(found), ['20 - cc']);
    assert.equal(found[0]?.markedClient, 'claude-code');
    assert.equal(found[0]?.parent?.pid, 1);
  });

  it('does not take a process for a client that was given the PID of a dead one', async () => {
    const server = row(20, 10, ['node', '/opt/a-mcp/index.js'], { startedAt: 1_000 });
    const { found } = await look({ rows: [row(10, 1, ['claude'], { startedAt: 2_000 }), server] });
    assert.deepEqual(brief(found), ['20 - ?']);
    assert.equal(found[0]?.parent, undefined);
  });

  it('finds a server that has wiped its command line, below its client', async () => {
    const rows = [row(10, 1, ['claude']), row(20, 10, 'weather'), row(21, 10, ['zsh'])];
    const details = new Map([
      [20, detail({ exe: '/usr/bin/node' })],
      [21, detail({ exe: '/bin/zsh' })],
    ]);
    assert.deepEqual(brief((await look({ rows, details }, [definition('weather', 'claude-code', 'node', ['/opt/weather.js'])])).found), [
      '20 claude-code weather',
    ]);
  });

  it('does not take a package’s install script for the server', async () => {
    const rows = [
      row(10, 1, ['claude']),
      row(20, 10, 'npm exec some-mcp'),
      row(21, 20, ['sh', '-c', 'node install.js']),
      row(22, 21, ['node', 'install.js']),
    ];
    const details = new Map([[22, detail({ environment: { npm_lifecycle_event: 'postinstall' } })]]);
    assert.deepEqual((await look({ rows, details }, [definition('s', 'claude-code', 'npx', ['some-mcp'])])).found, []);
  });

  it('tells servers of one command apart by their environment, and lists what it cannot tell', async () => {
    const rows = [row(10, 1, ['claude']), ...[20, 21, 22].map((pid) => row(pid, 10, ['node', '/opt/db-mcp/index.js']))];
    const details = new Map(['one', 'two', 'three'].map((db, index) => [20 + index, detail({ environment: { DB: db } })]));
    const entry = (name: string, env: Record<string, string>): RawDefinition =>
      definition(name, 'claude-code', 'node', ['/opt/db-mcp/index.js'], { env });
    assert.deepEqual(brief((await look({ rows, details }, [entry('a', { DB: 'one' }), entry('b', { DB: 'two' })])).found), [
      '20 claude-code a',
      '21 claude-code b',
      '22 claude-code ?',
    ]);
    // Two entries that say the same, two servers: each entry comes first once.
    assert.deepEqual(brief((await look({ rows: rows.slice(0, 3), details }, [entry('a', {}), entry('b', {})])).found), [
      '20 claude-code a+b',
      '21 claude-code b+a',
    ]);
  });

  it('tells projects apart by the folder of the server or of its client', async () => {
    const rows = [
      row(10, 1, ['claude']),
      row(11, 1, ['claude']),
      ...npx(20, 10, '@modelcontextprotocol/server-memory', 'm'),
      ...npx(30, 11, '@modelcontextprotocol/server-memory', 'm'),
    ];
    const details = new Map([
      [22, detail({ cwd: '/w/a' })],
      [32, detail({ cwd: '/' })],
      [11, detail({ cwd: '/w/b' })],
    ]);
    const of = (name: string): RawDefinition => definition(name, 'claude-code', 'npx', memory, { scope: 'project', folder: `/w/${name}` });
    assert.deepEqual(brief((await look({ rows, details }, [of('a'), of('b')])).found), ['22 claude-code a', '32 claude-code b']);
  });

  it('never lists clients, shells, installers or our own commands', async () => {
    const rows = [
      row(10, 1, ['claude', '--mcp-config', '/home/u/mcp.json']),
      row(11, 10, ['bash', '-c', 'npm install some-mcp']),
      row(12, 11, 'npm install some-mcp'),
      row(13, 1, ['node', '/usr/bin/mcp-shepherd', 'watch']),
      row(14, 1, ['vim', '/home/u/mcp/server.py']),
      row(15, 10, ['git', 'status']),
    ];
    assert.deepEqual((await look({ rows }, [definition('s', 'claude-code', 'npx', ['some-mcp'])])).found, []);
  });
});

/** The three processes of npx with dash: PIDs pid, pid+1, pid+2; the last one is the server. */
function npx(pid: number, ppid: number, spec: string, program: string, args: readonly string[] = []): ProcessRow[] {
  const tail = args.map((one) => ` ${one}`).join('');
  return [
    row(pid, ppid, `npm exec ${spec}${tail}`),
    row(pid + 1, pid, ['sh', '-c', `'${program}'${tail}`]),
    row(pid + 2, pid + 1, ['node', `/home/u/.npm/_npx/${npxHash([spec])}/node_modules/.bin/${program}`, ...args]),
  ];
}
