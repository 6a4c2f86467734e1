import { deepEqual, equal, ok } from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { ConfigReading } from '../../../../src/config/discovery/discoverDefinitions.ts';
import type { Problem } from '../../../../src/model/problem.ts';
import { names, Tree } from '../tree.ts';

describe('discoverDefinitions on bad input', () => {
  let tree: Tree;
  beforeEach(() => {
    tree = new Tree();
    tree.write('home/.gemini/settings.json', { mcpServers: { good: { command: 'node' } } });
  });
  afterEach(() => tree.remove());

  const placed = ({ file, line, column }: Problem): string =>
    `${file?.slice(tree.root.length + 1)}:${line}${column === undefined ? '' : `:${column}`}`;
  function expectOne(reading: ConfigReading, place: string, message: RegExp): void {
    deepEqual(reading.problems.map(placed), [place]);
    ok(message.test(reading.problems[0]?.message ?? ''), reading.problems[0]?.message);
    ok(names(reading).includes('good'), 'the other files are read');
  }

  it('says once where a file is broken, and keeps the entries that can be read', async () => {
    const text =
      '{\r\n  "servers": {\r\n    "a": { "command": "node" },\r\n    "b": { "command" "node" },\r\n    "c": { "command": "node" }\r\n  }\r\n}';
    tree.write('home/work/project/.vscode/mcp.json', text);
    const reading = await tree.discover();
    expectOne(reading, 'home/work/project/.vscode/mcp.json:4:22', /a colon is expected.*other readable entries/);
    deepEqual(names(reading), ['a', 'c', 'good']);
  });

  it('knows the secrets of a table whose name is broken, and reads YAML whose type is an object without a text', async () => {
    tree.write('home/work/project/.mcp.json', {
      mcpServers: { a: { command: 'node', args: ['pl41n-w0rd'], envv: { API_KEY: 'pl41n-w0rd' } } },
    });
    const odd = '{"extensions": {"b": {"cmd": "node", "type": {"toString": 1, "__proto__": null}}}}';
    tree.write('home/.config/goose/config.yaml', odd);
    const reading = await tree.discover();
    deepEqual(names(reading), ['a', 'b', 'good']);
    deepEqual(reading.definitions.find(({ name }) => name === 'a')?.secrets, ['pl41n-w0rd']);
  });

  it('keeps the entries before the place where a file was cut off', async () => {
    tree.write('home/work/project/.mcp.json', '{"mcpServers": {\n"a": {"command": "node"},\n"b": {"command": "no');
    const reading = await tree.discover();
    expectOne(reading, 'home/work/project/.mcp.json:3:18', /not closed/);
    deepEqual(names(reading), ['a', 'good']);
  });

  it('names line and column of broken TOML, and quotes nothing of it', async () => {
    tree.write('home/.codex/config.toml', '[mcp_servers.a]\ncommand = "node"\n[mcp_servers.a.env]\nTOKEN = s3cr3t-value-1234\n');
    const reading = await tree.discover();
    expectOne(reading, 'home/.codex/config.toml:4:9', /not valid TOML/);
    ok(!JSON.stringify(reading.problems).includes('s3cr3t'));
  });

  for (const path of [
    'home/.qwen/settings.json',
    'home/.copilot/settings.json',
    'home/.claude/settings.json',
    'home/.config/Code/User/settings.json',
    'home/.config/opencode/opencode.json',
  ]) {
    it(`says that ${path} is unreadable, although it has none of our keywords`, async () => {
      tree.write(path, '\u0000\u0001 not JSON at all');
      expectOne(await tree.discover(), `${path}:1:1`, /not valid JSON.*nothing in it can be used/);
      tree.write(path, '["no", "settings"]');
      expectOne(await tree.discover(), `${path}:1`, /holds a list, not an object/);
    });

    it(`does not report a mistake among other settings of ${path}`, async () => {
      tree.write(path, '{"theme": "dark",, "editor": ');
      deepEqual((await tree.discover()).problems, []);
    });
  }

  it('says that a list of switched-off servers is broken, and switches off what can be read of it', async () => {
    tree.write('home/work/project/.mcp.json', { mcpServers: { a: { command: 'node' } } });
    tree.write('home/work/project/.claude/settings.json', '{"disabledMcpjsonServers": ["a"],, "x" 1}');
    const reading = await tree.discover();
    expectOne(reading, 'home/work/project/.claude/settings.json:1:34', /not valid JSON/);
    equal(reading.definitions.find(({ name }) => name === 'a')?.enabled, false);
  });

  for (const [what, text] of [
    ['nothing', ''],
    ['white space', ' \r\n\t'],
    ['a BOM', '\ufeff'],
    ['a comment', '// nothing yet\n'],
    ['an empty object', '{}'],
    ['no map', '{"mcpServers": null}'],
  ] as const) {
    it(`is quiet about a file with ${what}`, async () => {
      tree.write('home/.cursor/mcp.json', text);
      const reading = await tree.discover();
      deepEqual(reading.problems, []);
      deepEqual(names(reading), ['good']);
    });
  }

  for (const [what, text, message] of [
    ['a list', '[1]', /a list, not an object/],
    ['a list of servers', '{"mcpServers": [{"name": "x"}]}', /servers are a list/],
    ['a text', '"x"', /a string/],
    ['binary data', '\u0000\u0001\u0002', /not valid JSON/],
    ['nesting without end', '{"mcpServers":'.concat('['.repeat(100_000)), /deeper than/],
    ['nesting of objects', '{"a":'.repeat(100_000), /deeper than/],
    ['closing brackets and nesting', '{"a":'.concat(']'.repeat(100_000), '['.repeat(100_000)), /deeper than/],
  ] as const) {
    it(`is one problem for a file with ${what}`, async () => {
      tree.write('home/.cursor/mcp.json', text);
      const reading = await tree.discover();
      equal(reading.problems.length, 1);
      ok(message.test(reading.problems[0]?.message ?? ''), reading.problems[0]?.message);
      equal(reading.problems[0]?.line, 1);
      deepEqual(names(reading), ['good']);
    });
  }

  it('does not fall over nested TOML', async () => {
    tree.write('home/.codex/config.toml', `a = ${'['.repeat(100_000)}`);
    const reading = await tree.discover();
    equal(reading.problems.length, 1);
    deepEqual(names(reading), ['good']);
    tree.write('home/.codex/config.toml', 'a.'.repeat(50_000).concat('b = 1'));
    deepEqual(names(await tree.discover()), ['good']);
  });

  it('reads what Windows PowerShell wrote', async () => {
    const path = tree.write('home/.cursor/mcp.json', '');
    writeFileSync(path, Buffer.from('\ufeff{"mcpServers": {"sixteen": {"command": "node"}}}', 'utf16le'));
    deepEqual(names(await tree.discover()), ['good', 'sixteen']);
  });

  it('is not fooled by names that JavaScript has a meaning for', async () => {
    tree.write(
      'home/.cursor/mcp.json',
      '{"mcpServers": {"__proto__": {"command": "node", "env": {"__proto__": "x1y2z3-secret"}}, "constructor": {"command": "node"}, "toString": {"url": "https://h/"}}}',
    );
    const reading = await tree.discover();
    deepEqual(names(reading), ['__proto__', 'constructor', 'good', 'toString']);
    deepEqual(Object.keys(reading.definitions.find(({ name }) => name === '__proto__')?.env ?? {}), ['__proto__']);
    equal(Reflect.get({}, 'command'), undefined);
  });

  it('takes the later of two entries with one name, and says so', async () => {
    tree.write('home/.cursor/mcp.json', '{"mcpServers": {\n"x": {"command": "one"},\n"x": {"command": "two"}}}');
    const reading = await tree.discover();
    expectOne(reading, 'home/.cursor/mcp.json:2', /named twice/);
    deepEqual(
      reading.definitions.filter(({ name }) => name === 'x').map(({ command }) => command),
      ['two'],
    );
  });

  it('reads only regular files of a decent size', async () => {
    mkdirSync(join(tree.home, '.cursor', 'mcp.json'), { recursive: true });
    mkdirSync(join(tree.home, '.copilot'));
    execFileSync('mkfifo', [join(tree.home, '.copilot', 'mcp-config.json')]);
    mkdirSync(join(tree.home, '.qwen'));
    symlinkSync('/dev/zero', join(tree.home, '.qwen', 'settings.json'));
    mkdirSync(join(tree.home, '.augment'));
    symlinkSync('settings.json', join(tree.home, '.augment', 'settings.json'));
    mkdirSync(join(tree.home, '.codex'));
    symlinkSync('nowhere', join(tree.home, '.codex', 'config.toml'));
    truncateSync(tree.write('home/.claude.json', ''), 9 * 1024 * 1024);
    const reading = await tree.discover();
    deepEqual(reading.problems.map(({ file, message }) => `${file?.slice(tree.home.length + 1)} ${message.split(/[;(.]/)[0]}`).sort(), [
      '.augment/settings.json The path is a loop of symbolic links',
      '.claude.json The file is too large to be a configuration file ',
      '.copilot/mcp-config.json This is a named pipe where a configuration file is expected',
      '.cursor/mcp.json This is a directory where a configuration file is expected',
      '.qwen/settings.json This is not a regular file where a configuration file is expected',
    ]);
    deepEqual(names(reading), ['good']);
  });

  it('says what it may not read, one problem for a closed directory, and reads the rest', function () {
    if (process.getuid?.() !== 0) {
      console.log('skipped: needs root to become another user');
      this.skip();
    }
    tree.write('home/.cursor/mcp.json', '{}');
    tree.write('home/.claude.json', '{}');
    tree.write('home/work/project/.vscode/mcp.json', '{}');
    tree.write('home/work/closed/.vscode/mcp.json', '{}');
    const everything = ['.', ...readdirSync(tree.root, { recursive: true, encoding: 'utf8' })].map((name) => join(tree.root, name));
    for (const path of everything) {
      chownSync(path, 54_321, 54_321);
    }
    chmodSync(join(tree.home, '.claude.json'), 0);
    chmodSync(join(tree.home, 'work', 'closed'), 0);
    const child = fileURLToPath(new URL('../../../fixtures/config/otherUser.ts', import.meta.url));
    const folders = ['project', 'closed'].map((name) => join(tree.home, 'work', name));
    const run = spawnSync(process.execPath, [child, tree.home, ...folders], { encoding: 'utf8', timeout: 15_000 });
    equal(run.status, 0, run.stderr);
    const reading: ConfigReading = JSON.parse(run.stdout);
    deepEqual(reading.problems.map(({ file, message }) => `${file?.slice(tree.home.length + 1)} ${message}`).sort(), [
      '.claude.json Permission denied: the file cannot be read.',
      'work/closed Permission denied: this directory cannot be searched for configuration files.',
    ]);
    deepEqual(names(reading), ['good']);
  });
});
