import { deepEqual, equal, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { named, names, Tree, writableFormat } from '../tree.ts';

const local = { type: 'local', command: ['node', 'server.js'] };

describe('opencode', () => {
  let tree: Tree;
  beforeEach(() => {
    tree = new Tree();
  });
  afterEach(() => tree.remove());

  it('reads what opencode itself wrote (mcp add)', async () => {
    tree.copy('opencode-written/home', tree.home);
    const { definitions } = await tree.discover();
    deepEqual(
      definitions.map(({ client, name, command, args }) => [client, name, command, ...args]),
      [['opencode', 'mem', 'npx', '-y', '@modelcontextprotocol/server-memory']],
    );
  });

  it('reads both versions of the map, the user’s files and the project’s', async () => {
    tree.copy('opencode/home', tree.home);
    tree.copy('opencode/project', tree.project);
    const reading = await tree.discover();
    deepEqual(reading.problems, []);
    const rows = reading.definitions.map(({ scope, name, transport, enabled, file, line }) => {
      ok(readFileSync(file, 'utf8').split('\n')[line - 1]?.includes(`"${name}"`), `${file}:${line} names ${name}`);
      return [file.slice(tree.home.length + 1), scope, name, transport, ...(enabled ? [] : ['off'])].join(' ');
    });
    deepEqual(rows.sort(), [
      '.config/opencode/opencode.json user both stdio',
      '.config/opencode/opencode.json user second-off http off',
      '.config/opencode/opencode.json user second-version stdio',
      '.config/opencode/opencode.jsonc user hosted http',
      '.config/opencode/opencode.jsonc user mem stdio',
      '.config/opencode/opencode.jsonc user off stdio off',
      '.opencode/opencode.json user dot-home stdio',
      'work/project/.opencode/opencode.jsonc project in-dot-folder stdio',
      'work/project/opencode.json project in-project stdio',
    ]);
    equal(new Set(reading.definitions.map(({ id }) => id)).size, rows.length, 'ids are unique');
    ok(reading.definitions.every(({ client, readBy }) => client === 'opencode' && /^opencode(,kilo)?$/.test(readBy.join())));
  });

  it('takes the command from its list, and keeps what is secret', async () => {
    tree.copy('opencode/home', tree.home);
    const reading = await tree.discover();
    const mem = named(reading, 'mem');
    deepEqual([mem.command, mem.args], ['npx', ['-y', '@modelcontextprotocol/server-memory']]);
    deepEqual(Object.keys(mem.env), ['MEMORY_FILE_PATH', 'GITHUB_TOKEN', 'API_KEY']);
    deepEqual(mem.secrets, ['s3cr3t-value-5678']);
    ok(named(reading, 'hosted').secrets.includes('s3cr3t-bearer-5678'));
    equal(named(reading, 'hosted').url, 'https://mcp.example.com/mcp');
    equal(named(reading, 'off').cwd, 'tools');
    deepEqual(named(reading, 'both').args, ['first-version.js'], 'opencode keeps the older notation where both name a server');
  });

  it('looks in the directories above, and once in the home directory', async () => {
    const write = (file: string, name: string): string => tree.write(file, { mcp: { [name]: local } });
    write('home/opencode.json', 'home');
    write('home/.opencode/opencode.jsonc', 'dot-home');
    write('home/work/opencode.jsonc', 'above');
    write('home/work/.opencode/opencode.json', 'dot-above');
    write('home/work/project/opencode.json', 'here');
    write('opencode.json', 'outside');
    const reading = await tree.discover();
    deepEqual(names(reading), ['above', 'dot-above', 'dot-home', 'here', 'home']);
    equal(named(reading, 'dot-home').scope, 'user');
    equal(named(reading, 'above').folder, join(tree.home, 'work'));
    equal(named(await tree.discover({ folders: [tree.home] }), 'dot-home').scope, 'user');
  });

  it('follows its variables', async () => {
    const at = (path: string): string => join(tree.root, path);
    for (const [file, name] of [
      ['elsewhere/xdg/opencode/opencode.json', 'xdg'],
      ['elsewhere/mine.json', 'file'],
      ['elsewhere/folder/opencode.jsonc', 'folder'],
      ['home/.config/opencode/opencode.json', 'unused'],
    ] as const) {
      tree.write(file, { mcp: { [name]: local } });
    }
    const env = {
      XDG_CONFIG_HOME: at('elsewhere/xdg'),
      OPENCODE_CONFIG: at('elsewhere/mine.json'),
      OPENCODE_CONFIG_DIR: at('elsewhere/folder'),
    };
    const reading = await tree.discover({ env });
    deepEqual(names(reading), ['file', 'folder', 'xdg']);
    ok(reading.definitions.every(({ scope }) => scope === 'user'));
  });

  it('finds what an administrator set on each system', async () => {
    for (const [platform, path] of [
      ['linux', '/etc/opencode/opencode.json'],
      ['darwin', '/Library/Application Support/opencode/opencode.jsonc'],
    ] as const) {
      const { candidates } = await tree.discover({ platform });
      ok(candidates().includes(path), path);
    }
    tree.write('data/opencode/opencode.json', { mcp: { everybody: local } });
    const reading = await tree.discover({ platform: 'win32', env: { ProgramData: join(tree.root, 'data') } });
    equal(named(reading, 'everybody').scope, 'managed');
  });

  it('says where a file is broken, but only when it is about servers', async () => {
    tree.write('home/.config/opencode/opencode.json', '{ "theme": ');
    deepEqual((await tree.discover()).problems, []);
    tree.write('home/.config/opencode/opencode.json', '{ "mcp": {\n "a": { "type": "local", "command": ["node"] },\n "b": { "type" } } }');
    const reading = await tree.discover();
    deepEqual(names(reading), ['a']);
    deepEqual(
      reading.problems.map(({ line, file }) => [file, line]),
      [[join(tree.home, '.config/opencode/opencode.json'), 3]],
    );
  });

  for (const [what, map, expected] of [
    ['a server called servers', { servers: local }, ['servers']],
    ['a server called timeout', { timeout: local }, ['timeout']],
    ['a server called command', { servers: { command: local } }, ['command']],
    ['settings of all servers', { timeout: { startup: 1 }, servers: {} }, []],
  ] as const) {
    it(`understands ${what}`, () => {
      const { entries, problems } = writableFormat('opencode-config').read(JSON.stringify({ mcp: map }));
      deepEqual(problems, []);
      const servers = entries.filter(({ value }) => JSON.stringify(value) === JSON.stringify(local));
      deepEqual(
        servers.map(({ name }) => name),
        expected,
      );
    });
  }
});
