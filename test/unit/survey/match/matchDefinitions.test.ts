import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { RawDefinition } from '../../../../src/model/definition.ts';
import type { ProcessRow } from '../../../../src/model/process.ts';
import { matchDefinitions } from '../../../../src/survey/match/matchDefinitions.ts';
import type { MatchContext, MatchInput } from '../../../../src/survey/match/matchInput.ts';
import { definition, detail, row } from '../../../fixtures/argv/processRows.ts';
import { type Recorded, recorded } from '../../../fixtures/argv/recordedLaunches.ts';
import { hangMs, processorTime } from '../../processorTime.ts';

const linux: MatchContext = { platform: 'linux', home: '/home/u' };

function observed(server: ProcessRow, more: Partial<MatchInput> = {}): MatchInput {
  return { server, launchers: [], ...more };
}

function names(one: MatchInput, definitions: readonly RawDefinition[], context = linux): string[] {
  return matchDefinitions(one, definitions, context).definitions.map((each) => each.name);
}

function split(test: Recorded): { server: ProcessRow; launchers: ProcessRow[] } {
  const rows = test.rows.map(([pid, ppid, argv]) => row(pid, ppid, argv));
  const server = rows.find((one) => one.pid === test.server);
  assert.ok(server);
  const launchers: ProcessRow[] = [];
  for (let above = rows.find((one) => one.pid === server.ppid); above; above = rows.find((one) => one.pid === above?.ppid)) {
    launchers.unshift(above);
  }
  return { server, launchers };
}

describe('an entry that a plugin of Claude Code brings', () => {
  const plugins = '/home/u/.claude/plugins/cache/market/tiny';
  const brought = definition('tiny', 'claude-code', 'node', ['${CLAUDE_PLUGIN_ROOT}/index.js'], {
    format: 'plugin-mcp',
    file: `${plugins}/1.1.0/config/servers.json`,
    plugin: `${plugins}/1.1.0`,
  });

  it('fits its server of every version, and no other server with a file of that name', () => {
    assert.deepEqual(names(observed(row(20, 1, ['node', `${plugins}/1.0.0/index.js`])), [brought]), ['tiny']);
    assert.deepEqual(names(observed(row(20, 1, ['node', '/srv/mcp/index.js'])), [brought]), []);
  });
});

describe('matching recorded launches', () => {
  const decoys = [
    definition('other-package', 'cursor', 'npx', ['-y', 'some-other-mcp']),
    definition('other-script', 'cursor', 'node', ['/opt/other/index.js']),
    definition('other-module', 'cursor', 'python', ['-m', 'other_mcp']),
    definition('other-uvx', 'cursor', 'uvx', ['mcp-server-time']),
    definition('remote', 'cursor', '', [], { transport: 'http', url: 'https://x.example/mcp' }),
  ];
  for (const test of recorded) {
    const wanted = definition('wanted', 'cursor', test.command, test.args);
    const context: MatchContext = { platform: test.platform ?? 'linux', home: '/home/u' };
    it(`finds the entry: ${test.case}`, () => {
      const { server, launchers } = split(test);
      assert.deepEqual(names(observed(server, { launchers }), [...decoys, wanted], context), ['wanted']);
    });
    if (test.orphan) {
      it(`finds it by the server alone: ${test.case}`, () => {
        const more = /npm-?run|pnpm exec/.test(test.case) ? { detail: detail({ environment: { npm_command: 'exec' } }) } : {};
        assert.deepEqual(names(observed(split(test).server, more), [...decoys, wanted], context), ['wanted']);
      });
    }
    it(`does not find it with another argument: ${test.case}`, () => {
      const { server, launchers } = split(test);
      // Options before -- are npm's own, words after the text of `sh -c` are its operands: neither reaches the server.
      const shell = test.args[0] === '-c';
      const args = shell
        ? [test.args[0] ?? '', `${test.args[1]} --something-else`]
        : [...test.args, ...(test.case === 'npm run' ? ['--'] : []), '--something-else'];
      const other = definition('other', 'cursor', test.command, args);
      assert.deepEqual(names(observed(server, { launchers }), [other], context), []);
    });
  }
});

describe('matching: words', () => {
  const server = row(20, 10, ['node', 'dist/index.js', '--token', 's3cret', '--root', '/home/u/proj']);

  it('fills in what it knows and lets the rest be anything', () => {
    const args = (...list: string[]): RawDefinition =>
      definition(list.join(' '), 'vscode', 'node', list, { folder: '/home/u/proj', scope: 'workspace' });
    const fits = (one: RawDefinition): boolean => names(observed(server, { detail: detail({ cwd: '/home/u/proj' }) }), [one]).length === 1;
    assert.ok(fits(args('dist/index.js', '--token', '${input:token}', '--root', '${workspaceFolder}')));
    assert.ok(fits(args('${workspaceFolder}/dist/index.js', '--token', '${env:TOKEN}', '--root', '${userHome}/proj')));
    assert.ok(fits(args('./dist/index.js', '--token', '$TOKEN', '--root', '~/proj')));
    assert.ok(fits(args('{env:APP}/index.js', '--token', '{file:~/.t}', '--root', '/home/${USER}/proj')));
    assert.ok(!fits(args('dist/index.js', '--token', '${input:token}', '--root', '${workspaceFolder}/sub')));
    assert.ok(!fits(args('dist/index.js', '--token', 'x${input:token}', '--root', '${workspaceFolder}')));
    assert.ok(!fits(args('dist/index.js', '--token', '${input:token}')));
  });

  it('prefers the literal entry to the one with variables', () => {
    const literal = definition('literal', 'vscode', 'uvx', ['mcp-server-git', '--repository', '/r']);
    const open = definition('open', 'vscode', 'uvx', ['mcp-server-git', '--repository', '${input:r}']);
    const uv = row(20, 10, ['uv', 'tool', 'uvx', 'mcp-server-git', '--repository', '/r']);
    assert.deepEqual(names(observed(uv), [open, literal]), ['literal']);
  });

  it('is not slowed by many variables', () => {
    const hostile = definition('x', 'vscode', 'node', [`${'${a}x'.repeat(2_000)}y`]);
    const start = processorTime();
    assert.deepEqual(names(observed(row(20, 10, ['node', 'x'.repeat(100_000)])), [hostile]), []);
    assert.ok(processorTime() - start < hangMs);
  });

  it('goes by the specs that npx wrote down, when the hash is of another form', () => {
    const one = row(20, 10, ['node', '/home/u/.npm/_npx/ffffffffffffffff/node_modules/.bin/x']);
    const entry = definition('x', 'vscode', 'npx', ['-y', './local-x']);
    assert.deepEqual(names(observed(one), [entry]), []);
    assert.deepEqual(names(observed(one, { npxPackages: ['./local-x'] }), [entry]), ['x']);
  });

  it('keeps versions apart', () => {
    const one = observed(row(20, 10, ['node', '/home/u/.npm/_npx/f0415454dfb4e463/node_modules/.bin/mcp-server-memory']));
    const bare = definition('bare', 'vscode', 'npx', ['-y', '@modelcontextprotocol/server-memory']);
    const pinned = definition('pinned', 'vscode', 'npx', ['-y', '@modelcontextprotocol/server-memory@2026.1.26']);
    assert.deepEqual(names(one, [bare, pinned]), ['pinned']);
  });

  it('keeps docker images and their options apart', () => {
    const one = observed(row(20, 10, ['docker', 'run', '-i', '-v', '/a:/a', 'mcp/filesystem', '/a']));
    const a = definition('a', 'vscode', 'docker', ['run', '-i', '-v', '/a:/a', 'mcp/filesystem', '/a']);
    const b = definition('b', 'vscode', 'docker', ['run', '-i', '-v', '/b:/a', 'mcp/filesystem', '/a']);
    assert.deepEqual(names(one, [b, a]), ['a']);
  });

  it('takes Windows names and paths in any case', () => {
    const one = observed(row(20, 10, ['C:\\Tools\\My-Server.EXE', 'X']));
    assert.deepEqual(names(one, [definition('w', 'vscode', 'c:/tools/my-server.exe', ['x'])], { platform: 'win32' }), ['w']);
    assert.deepEqual(names(one, [definition('w', 'vscode', 'my-server', ['x'])], { platform: 'win32' }), ['w']);
    assert.deepEqual(names(one, [definition('w', 'vscode', 'c:/other/my-server.exe', ['x'])], { platform: 'win32' }), []);
  });

  it('does not confuse interpreters of two environments', () => {
    const one = observed(row(20, 10, ['/home/u/a/.venv/bin/python', '-m', 'demo_mcp']));
    const a = definition('a', 'vscode', '~/a/.venv/bin/python', ['-m', 'demo_mcp']);
    const b = definition('b', 'vscode', '/home/u/b/.venv/bin/python', ['-m', 'demo_mcp']);
    const path = definition('path', 'vscode', 'python3', ['-m', 'demo_mcp']);
    assert.deepEqual(names(one, [b, a]), ['a']);
    assert.deepEqual(names(one, [b, path]), ['path']);
  });

  it('resolves relative programs from the folder and the directory of the entry', () => {
    const one = observed(row(20, 10, ['/home/u/proj/.venv/bin/python', '/home/u/proj/.venv/bin/demo-mcp']), {
      detail: detail({ cwd: '/home/u/proj' }),
    });
    const entry = (folder: string): RawDefinition => definition(folder, 'vscode', '.venv/bin/demo-mcp', [], { folder, scope: 'workspace' });
    assert.deepEqual(names(one, [entry('/home/u/other'), entry('/home/u/proj')]), ['/home/u/proj']);
    const inDirectory = (cwd: string): RawDefinition => definition(cwd, 'vscode', '.venv/bin/demo-mcp', [], { cwd });
    assert.deepEqual(names(one, [inDirectory('~/other'), inDirectory('~/proj')]), ['~/proj']);
  });
});

describe('matching: renamed processes', () => {
  const wiped = row(20, 10, 'weather', { name: 'weather' });
  const npx = definition('a', 'vscode', 'npx', ['-y', '@modelcontextprotocol/server-memory']);

  it('follows the search path into the npx directory', () => {
    const facts = detail({ exe: '/usr/bin/node', environment: { PATH: '/home/u/.npm/_npx/15b07286cbcc3329/node_modules/.bin:/usr/bin' } });
    const match = matchDefinitions(
      observed(wiped, { detail: facts }),
      [definition('weather', 'vscode', 'npx', ['-y', 'other']), npx],
      linux,
    );
    assert.deepEqual([match.definitions.map((one) => one.name), match.confidence], [['a'], 'likely']);
  });

  it('goes by the name that the process gave itself', () => {
    const entry = definition('w', 'vscode', 'node', ['/opt/weather.js']);
    assert.deepEqual(names(observed(wiped, { detail: detail({ exe: '/usr/bin/node' }) }), [entry, npx]), ['w']);
  });

  it('does not guess for a program that really is one word', () => {
    assert.deepEqual(
      names(observed(wiped, { detail: detail({ exe: '/opt/weather' }) }), [definition('w', 'vscode', 'node', ['/opt/weather.js'])]),
      [],
    );
  });

  it('sees through exec -a', () => {
    const renamed = row(20, 10, ['pretty-name', '/opt/x.js', '1']);
    const entry = definition('x', 'vscode', 'node', ['/opt/x.js', '1']);
    assert.deepEqual(names(observed(renamed, { detail: detail({ exe: '/usr/bin/node' }) }), [entry]), ['x']);
  });
});

describe('matching: same words', () => {
  const server = row(20, 10, ['node', '/opt/db-mcp/index.js']);
  const entry = (name: string, env: RawDefinition['env'], more: Partial<RawDefinition> = {}): RawDefinition =>
    definition(name, 'cursor', 'node', ['/opt/db-mcp/index.js'], { env, ...more });
  const withEnv = (environment: Record<string, string>, cwd?: string): MatchInput =>
    observed(server, { detail: detail({ environment, ...(cwd === undefined ? {} : { cwd }) }) });

  it('takes another environment for another server', () => {
    const entries = [entry('one', { DB: 'one' }), entry('two', { DB: 'two' })];
    assert.deepEqual(names(withEnv({ DB: 'one', PATH: '/bin' }), entries), ['one']);
    assert.deepEqual(names(withEnv({ DB: 'two' }), entries), ['two']);
    assert.deepEqual(names(withEnv({ DB: 'three' }), entries), []);
    assert.deepEqual(names(withEnv({}), entries), []);
  });

  it('prefers the entry of which more is there', () => {
    const entries = [entry('bare', {}), entry('one', { DB: 'one' }), entry('both', { DB: 'one', MODE: 'x' })];
    assert.deepEqual(names(withEnv({ DB: 'one' }), entries), ['one']);
    assert.deepEqual(names(withEnv({ DB: 'one', MODE: 'x' }), entries), ['both']);
    assert.deepEqual(names(withEnv({ DB: 'other' }), entries), ['bare']);
  });

  it('asks for the name alone where the client fills in the value; null must be absent; PATH may be longer', () => {
    assert.deepEqual(names(withEnv({ DB: 'x' }), [entry('v', { DB: '${input:db}' })]), ['v']);
    assert.deepEqual(names(withEnv({}), [entry('v', { DB: '${input:db}' })]), []);
    assert.deepEqual(names(withEnv({ DB: 'x' }), [entry('n', { DB: null })]), []);
    assert.deepEqual(names(withEnv({ PATH: '/bin:/opt/bin' }), [entry('p', { PATH: '/opt/bin' })]), ['p']);
    const twice = entry('p', { PATH: '/m/shims:/opt/bin:/opt/bin:/usr/bin' });
    assert.deepEqual(
      names(withEnv({ PATH: '/m/installs/bin:/m/shims:/opt/bin:/usr/bin' }), [twice]),
      ['p'],
      'mise leaves out a folder that is there twice',
    );
  });

  it('lets an environment pass that cannot be read', () => {
    assert.deepEqual(names(observed(server, { detail: { ...detail(), missing: ['permission denied'] } }), [entry('one', { DB: 'one' })]), [
      'one',
    ]);
  });

  it('never puts a value or an argument into its reasons', () => {
    const match = matchDefinitions(withEnv({ DB: 's3cret' }), [entry('one', { DB: 's3cret' })], linux);
    assert.ok(match.why.length > 0);
    assert.ok(!JSON.stringify(match.why).includes('s3cret'));
  });

  it('goes by the client that started it', () => {
    const entries = [entry('e', {}), entry('e', {}, { client: 'claude-code', readBy: ['claude-code'], id: 'cc' })];
    const of = (id: string): string[] =>
      matchDefinitions(observed(server, { client: { id } }), entries, linux).definitions.map((one) => one.client);
    assert.deepEqual(of('claude-code'), ['claude-code']);
    assert.deepEqual(of('cursor'), ['cursor']);
    assert.deepEqual(of('gemini'), ['cursor', 'claude-code']);
  });

  it('says how sure it is', () => {
    const of = (client: string | undefined): string =>
      matchDefinitions(observed(server, client === undefined ? {} : { client: { id: client } }), [entry('e', {})], linux).confidence;
    assert.equal(of('cursor'), 'proven');
    assert.equal(of('gemini'), 'likely');
    assert.equal(of(undefined), 'likely');
  });

  it('counts every reader of a file, and the variants of VS Code as one family', () => {
    const root = entry('root', {}, { client: 'claude-code', readBy: ['claude-code', 'vscode'], scope: 'project' });
    const mine = entry('mine', {}, { client: 'gemini', readBy: ['gemini'] });
    assert.deepEqual(names(observed(server, { client: { id: 'vscode' } }), [root, mine]), ['root']);
    assert.deepEqual(names(observed(server, { client: { id: 'code-server' } }), [root, mine]), ['root']);
  });

  it('goes by the folder', () => {
    const of = (folder: string): RawDefinition => entry(folder, {}, { folder, scope: 'project' });
    const entries = [of('/w/a'), of('/w/b'), of('/w/a/deep')];
    assert.deepEqual(names(withEnv({}, '/w/b'), entries), ['/w/b']);
    assert.deepEqual(names(withEnv({}, '/w/a/src'), entries), ['/w/a']);
    assert.deepEqual(names(withEnv({}, '/w/a/deep'), entries), ['/w/a/deep']);
    assert.deepEqual(names(withEnv({}, '/w/c'), entries), []);
    assert.deepEqual(names(withEnv({}, '/w/ab'), entries), []);
    assert.equal(names(observed(server), entries).length, 3, 'unknown directory passes');
    const client = { id: 'cursor', folder: '/w/b' };
    assert.deepEqual(names({ ...withEnv({}, '/'), client }, entries), ['/w/b']);
  });

  it('takes the narrower entry of one name, and both of two names', () => {
    const user = entry('e', {});
    const local = entry('e', {}, { scope: 'local', folder: '/w', id: 'local' });
    const result = (entries: RawDefinition[]): string[] =>
      matchDefinitions({ ...withEnv({}), client: { id: 'cursor' } }, entries, linux).definitions.map((one) => one.scope);
    assert.deepEqual(result([user, local]), ['local']);
    assert.deepEqual(result([user, { ...local, name: 'f' }]), ['user', 'local']);
  });

  it('prefers what is switched on', () => {
    assert.deepEqual(names(withEnv({}), [entry('off', {}, { enabled: false }), entry('on', {})]), ['on']);
    assert.deepEqual(names(withEnv({}), [entry('off', {}, { enabled: false })]), ['off']);
  });
});
