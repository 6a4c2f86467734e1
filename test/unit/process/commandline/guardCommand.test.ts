import { deepEqual, equal } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { guardCommand, isHttpGuardCommand } from '../../../../src/process/commandline/guardCommand.ts';
import { parseLaunch } from '../../../../src/process/commandline/parseLaunch.ts';
import { launcherKind, resolveServer } from '../../../../src/process/tree/launcherChain.ts';
import { processTree } from '../../../../src/process/tree/processTree.ts';
import { row } from '../../../fixtures/argv/processRows.ts';

const server = ['npx', '-y', '@modelcontextprotocol/server-memory', '--', 'x'];

const forms: readonly (readonly string[])[] = [
  ['/home/ada/.mcp-run/shepherd/bin/mcp-shepherd', 'guard', '--on-stale', 'warn', '--'],
  ['C:\\Users\\Ada B\\.mcp-run\\shepherd\\bin\\mcp-shepherd.cmd', 'guard', '--lock', 'name:x', '--'],
  ['mcp-shepherd', 'guard', '--'],
  ['npx', '-y', 'mcp-shepherd', 'guard', '--'],
  ['npx', '-y', 'mcp-shepherd@1.2.3', 'guard', '--overlap', '--'],
  ['cmd', '/c', 'npx', '-y', 'mcp-shepherd', 'guard', '--'],
  ['node', '/opt/shepherd/dist/cli.cjs', 'guard', '--'],
  ['/usr/bin/node', '--no-warnings', '/home/ada/.mcp-run/shepherd/bin/1.0.0-aabbccdd/guard.cjs', '--run-dir', '/r', '--'],
  ['/usr/share/code/code', '/home/ada/.mcp-run/shepherd/bin/1.0.0-aabbccdd/guard.cjs', '--'],
  ['/bin/sh', '/home/ada/.mcp-run/shepherd/bin/mcp-shepherd', 'guard', '--'],
  ['/usr/bin/perl', '/r/bin/1.0.0-aabbccdd/relay.pl', '/usr/bin/node', '/r/bin/1.0.0-aabbccdd/guard.cjs', '--relay', '--'],
  ['python3', '-I', '-S', '/r/bin/1.0.0-aabbccdd/relay.py', '/usr/bin/node', '/r/bin/1.0.0-aabbccdd/guard.cjs', '--relay', '--'],
];

describe('guardCommand', () => {
  for (const form of forms) {
    it(`reads ${form.slice(0, 3).join(' ')} …`, () => {
      const words = [...form, ...server];
      equal(guardCommand(words)?.count, form.length);
      const launch = parseLaunch(words[0] ?? '', words.slice(1));
      const inner = launch.specs.includes('@modelcontextprotocol/server-memory') ? launch : launch.inner;
      deepEqual(
        [inner?.specs, inner?.args],
        [['@modelcontextprotocol/server-memory'], ['--', 'x']],
        'the server behind it is the one that counts',
      );
    });
  }

  it('tells what the guard was told', () => {
    deepEqual(guardCommand(['mcp-shepherd', 'guard', '--on-stale', 'warn', '--', 'x'])?.options, ['--on-stale', 'warn']);
    deepEqual(guardCommand(['node', 'guard.cjs', '--overlap', '--', 'x'])?.options, ['--overlap']);
  });

  it('takes nothing else for a guard', () => {
    for (const words of [
      ['npx', '-y', '@modelcontextprotocol/server-memory'],
      ['npx', '-y', 'mcp-guard', 'guard', '--', 'x'],
      ['mcp-shepherd', 'status', '--', 'guard'],
      ['mcp-shepherd', 'guard', 'x'],
      ['mcp-shepherd', 'guard', '--'],
      ['node', 'server.js', '--', 'mcp-shepherd', 'guard'],
      ['guard.cjs', '--', 'x'],
      ['perl', 'relay.pl', 'node', 'server.js', '--', 'x'],
    ]) {
      equal(guardCommand(words), undefined, words.join(' '));
    }
  });

  it('is a launcher in the chain of processes, as node, as an editor, as the script that it begins as', () => {
    for (const form of forms.slice(6)) {
      const client = row(10, 1, ['/opt/client']);
      const guard = row(20, 10, [...form, ...server]);
      const npm = row(30, 20, ['npm exec @modelcontextprotocol/server-memory']);
      const node = row(40, 30, ['node', '/c/_npx/15b07286cbcc3329/node_modules/.bin/mcp-server-memory']);
      equal(launcherKind(guard), 'mcp-shepherd guard', form.join(' '));
      const tree = processTree([client, guard, npm, node]);
      const chain = resolveServer(guard, tree, (one) => one === client);
      deepEqual([chain?.server.pid, chain?.launchers.map(({ pid }) => pid), chain?.parent?.pid], [40, [20, 30], 10]);
    }
  });
});

describe('the host of relays', () => {
  it('is never a server, as a child of a client or of init', () => {
    const client = row(10, 1, ['/opt/client']);
    const host = row(20, 10, ['/usr/bin/node', '/home/ada/.mcp-run/shepherd/bin/1.0.0-aabbccdd/guard.cjs', 'host', '/home/ada/.mcp-run']);
    equal(
      resolveServer(host, processTree([client, host]), (one) => one === client),
      undefined,
    );
    const control = row(20, 10, ['/usr/bin/node', '/home/ada/.mcp-run/other/guard.js', 'serve', 'host']);
    equal(resolveServer(control, processTree([client, control]), (one) => one === client)?.server.pid, 20);
  });
});

describe('isHttpGuardCommand', () => {
  const guards = [
    ['node', '/opt/shepherd/dist/cli.cjs', 'guard', '--http', '8700', '--url', 'http://127.0.0.1:8701/mcp'],
    ['node', '/opt/shepherd/dist/guard.cjs', '--http=8700', '--', 'node', 'server.js'],
    ['npx', '-y', 'mcp-shepherd', 'guard', '--http', '8700', '--url', 'http://127.0.0.1:8701/mcp'],
  ];
  const others = [
    ['node', '/opt/shepherd/dist/cli.cjs', 'guard', '--', 'node', 'server.js', '--http'],
    ['node', '/srv/guard/server.js', 'guard', '--http', '8700'],
    ['notes', '--title', 'guard --http', '--http'],
  ];
  for (const words of guards) {
    it(`reads ${words.slice(0, 4).join(' ')} …`, () => equal(isHttpGuardCommand(words), true));
  }
  for (const words of others) {
    it(`is not ${words.join(' ')}`, () => equal(isHttpGuardCommand(words), false));
  }
});
