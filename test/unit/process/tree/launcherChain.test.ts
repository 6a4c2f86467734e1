import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { ProcessRow } from '../../../../src/model/process.ts';
import { findServer, isWatchdog, launcherKind, resolveServer } from '../../../../src/process/tree/launcherChain.ts';
import { processTree } from '../../../../src/process/tree/processTree.ts';
import { row } from '../../../fixtures/argv/processRows.ts';
import { recorded } from '../../../fixtures/argv/recordedLaunches.ts';
import { hangMs, processorTime } from '../../processorTime.ts';

const client = row(10, 1, ['/home/u/.local/bin/claude']);
const isClient = (one: ProcessRow): boolean => one === client;

describe('launcher chains', () => {
  for (const { case: name, rows, server, launchers } of recorded) {
    it(`resolves: ${name}`, () => {
      const table = rows.map(([pid, ppid, argv, comm]) => row(pid, ppid, argv, comm === undefined ? {} : { name: comm }));
      const tree = processTree([client, ...table]);
      for (const one of table.filter((each) => !isWatchdog(each) && !each.commandLine.includes('--service='))) {
        const chain = resolveServer(one, tree, isClient);
        assert.equal(chain?.server.pid, server, `from PID ${one.pid}`);
        assert.deepEqual(
          chain.launchers.map((each) => launcherKind(each) ?? 'redirector'),
          launchers,
        );
        assert.equal(chain.parent, client);
      }
    });
  }

  it('never takes a pnpm watchdog for a server', () => {
    const table = [client, row(20, 10, ['pnpm', 'dlx', 'x']), row(21, 20, ['sh', '-c', "trap '' INT TERM HUP; cat"])];
    assert.equal(resolveServer(table[2] ?? client, processTree(table), isClient), undefined);
    assert.equal(resolveServer(table[1] ?? client, processTree(table), isClient), undefined);
  });

  it('waits for a server that npm is still installing', () => {
    const npm = row(20, 10, 'npm exec some-mcp');
    assert.equal(resolveServer(npm, processTree([client, npm]), isClient), undefined);
  });

  it('waits for a server whose environment is still being made', () => {
    const pipx = row(20, 10, ['/usr/bin/python3', '/usr/bin/pipx', 'run', 'demo-mcp']);
    const venv = row(21, 20, ['/usr/bin/python3', '-m', 'venv', '--clear', '/home/u/.local/pipx/shared']);
    const pip = row(22, 20, ['/home/u/.local/pipx/shared/bin/python', '-m', 'pip', 'install', 'demo-mcp']);
    assert.equal(resolveServer(pipx, processTree([client, pipx, venv]), isClient), undefined);
    assert.equal(resolveServer(pipx, processTree([client, pipx, pip]), isClient), undefined);
    assert.equal(resolveServer(pip, processTree([client, pipx, pip]), isClient), undefined);
  });

  it("stops at a person's shell: it is the parent, no launcher", () => {
    for (const shell of [
      ['-zsh'],
      ['bash'],
      ['/bin/bash', '--login'],
      ['/bin/bash', '--init-file', '/x/shellIntegration-bash.sh'],
      ['cmd.exe'],
      ['cmd.exe', '/K', 'x.bat'],
      ['fish', '-i'],
    ]) {
      const terminal = row(30, 1, shell);
      const server = row(31, 30, ['node', '/opt/some-mcp/index.js']);
      const chain = resolveServer(server, processTree([terminal, server]), isClient);
      assert.deepEqual(chain, { server, launchers: [], parent: terminal }, shell.join(' '));
    }
  });

  it('does not climb to a process that was given the PID of a dead parent', () => {
    const server = row(22, 20, ['node', '/home/u/.npm/_npx/15b07286cbcc3329/node_modules/.bin/x'], { startedAt: 5_000 });
    const stranger = row(20, 10, 'npm exec other', { startedAt: 5_001 });
    const tree = processTree([client, stranger, server]);
    assert.deepEqual(resolveServer(server, tree, isClient), { server, launchers: [] });
    assert.deepEqual(tree.childrenOf(stranger), []);
  });

  it('compares starts within their error where the system does not count ticks', () => {
    const parent = row(20, 10, 'npm exec x', { startedAt: 10_008, start: 'ps:10' });
    const near = row(21, 20, ['node', 'x'], { startedAt: 10_000, start: 'ps:10' });
    const far = row(22, 20, ['node', 'x'], { startedAt: 9_000, start: 'ps:9' });
    const tree = processTree([parent, near, far]);
    assert.equal(tree.parentOf(near), parent);
    assert.equal(tree.parentOf(far), undefined);
  });

  it('ends on circles and on processes that are their own parent', () => {
    const a = row(40, 41, ['sh', '-c', 'x'], { startedAt: 1 });
    const b = row(41, 40, ['sh', '-c', 'x'], { startedAt: 1 });
    const self = row(0, 0, ['System']);
    const tree = processTree([a, b, self]);
    assert.equal(resolveServer(a, tree, isClient), undefined);
    assert.deepEqual(tree.ancestorsOf(a), [b]);
    assert.equal(resolveServer(self, tree, isClient)?.server, self);
  });

  for (const argv of [
    ['/home/u/.volta/bin/tiny-mcp', '--root', '/x'],
    ['node', '/opt/tiny-mcp/index.js'],
  ]) {
    it(`follows the shim of Volta, which has the name of what it starts: ${argv[0]}`, async () => {
      const shim = row(80, 10, argv);
      const server = row(81, 80, ['node', '/opt/tiny-mcp/index.js']);
      const tree = processTree([client, shim, server]);
      const find = (exe: string) => findServer(shim, tree, async (one) => ({ exe: one === shim ? exe : '/usr/bin/node' }));
      const found = await find('/opt/volta/volta-shim');
      assert.deepEqual([found?.server.pid, found?.launchers.map(({ pid }) => pid), found?.parent?.pid], [81, [80], 10]);
      assert.equal((await find('/opt/other/tool'))?.server.pid, 80, 'another program that starts one');
    });
  }

  it('keeps a server that is written as a shell script', () => {
    const script = row(50, 10, ['bash', '/opt/weather-mcp.sh']);
    const jq = row(51, 50, ['jq', '.method']);
    assert.equal(resolveServer(script, processTree([client, script, jq]), isClient)?.server, script);
  });

  it('keeps browsers and language servers in the tree of the server', () => {
    const server = row(60, 10, ['node', '/opt/playwright-mcp/cli.js']);
    const chrome = row(61, 60, ['/opt/chrome', '--headless']);
    assert.equal(resolveServer(server, processTree([client, server, chrome]), isClient)?.server, server);
  });

  it('does not take inner and outer Gemini for launchers', () => {
    const outer = row(70, 1, ['node', '/usr/bin/gemini']);
    const inner = row(71, 70, ['/usr/bin/node', '--max-old-space-size=8192', '/usr/bin/gemini']);
    const server = row(72, 71, ['node', '/opt/x-mcp.js']);
    const chain = resolveServer(server, processTree([outer, inner, server]), (one) => one === outer || one === inner);
    assert.deepEqual(chain, { server, launchers: [], parent: inner });
  });

  it('is linear: 20,000 processes in well under a second', () => {
    const many = Array.from({ length: 20_000 }, (_, index) =>
      row(index + 100, index % 50 === 0 ? 10 : 99 + index, ['node', '/opt/x.js'], { startedAt: index }),
    );
    const start = processorTime();
    const tree = processTree([client, ...many]);
    for (const one of many.slice(0, 200)) {
      resolveServer(one, tree, isClient);
    }
    assert.ok(processorTime() - start < hangMs, `took ${processorTime() - start} ms`);
  });
});
