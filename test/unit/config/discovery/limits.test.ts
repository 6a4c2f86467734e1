import { deepEqual, equal, ok } from 'node:assert/strict';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { assertNames } from '../../../names.ts';
import { hangMs, processorTime } from '../../processorTime.ts';
import { named, names, Tree, writableFormat } from '../tree.ts';

/** In characters. */
const size = process.env.TEST_LONG === '1' ? 8_000_000 : 2_000_000;
const many = (count: number, item: (index: number) => string): string => Array.from({ length: count }, (_, index) => item(index)).join(',');

describe('discoverDefinitions of files that are too large', () => {
  let tree: Tree;
  beforeEach(() => {
    tree = new Tree();
    tree.write('home/.gemini/settings.json', { mcpServers: { good: { command: 'node' } } });
  });
  afterEach(() => tree.remove());

  it('reads 1,000 arguments of an entry, and says which entry of which file has more; its secrets are known all the same', async () => {
    const args = [...Array.from({ length: 1_500 }, (_, index) => `word${index}`), '--token', 'S3cr3t-behind-the-limit'];
    const file = tree.write('home/work/project/.vscode/mcp.json', {
      servers: { full: { command: 'node', args: args.slice(0, 1_000) }, over: { command: 'node', args } },
    });
    const reading = await tree.discover();
    deepEqual(
      reading.problems.map((problem) => [problem.file, problem.line, /“over”.*1502.*1,?000/.test(problem.message)]),
      [[file, 1_008, true]],
      JSON.stringify(reading.problems),
    );
    deepEqual(named(reading, 'over').args, args.slice(0, 1_000));
    deepEqual(named(reading, 'full').args, args.slice(0, 1_000));
    ok(named(reading, 'over').secrets.includes('S3cr3t-behind-the-limit'));
    ok(names(reading).includes('good'));
  });

  it('reads names of 200 characters, and says which entries have longer ones', async () => {
    const [short, long] = ['n'.repeat(200), 'l'.repeat(3_000)];
    const file = tree.write('home/work/project/.vscode/mcp.json', {
      servers: { [long]: { command: 'node' }, [short]: { command: 'node' } },
    });
    const reading = await tree.discover({ folders: [join(tree.root, 'home/work/project')] });
    deepEqual([names(reading).includes('good'), names(reading).includes(short), names(reading).includes(long)], [true, true, false]);
    deepEqual(
      reading.problems.map((problem) => [
        problem.file,
        problem.line,
        /“l{40}…”.*3000.*200/.test(problem.message),
        problem.message.length < 200,
      ]),
      [[file, 3, true, true]],
      JSON.stringify(reading.problems),
    );
  });

  it('searches the nearest 64 folders above a project', async () => {
    const deep = `home/${'d/'.repeat(400)}`;
    tree.write(`${deep}.mcp.json`, { mcpServers: { own: { command: 'node' } } });
    tree.write(`${deep.slice(0, -2 * 63)}.mcp.json`, { mcpServers: { near: { command: 'node' } } });
    tree.write(`${deep.slice(0, -2 * 64)}.mcp.json`, { mcpServers: { far: { command: 'node' } } });
    deepEqual(names(await tree.discover({ folders: [join(tree.root, deep)] })), ['good', 'near', 'own']);
  });

  for (const [path, text] of [
    ['home/.cursor/mcp.json', `{"mcpServers": {${many(1_200, (index) => `"s${index}": {"command": "node"}`)}}}`],
    [
      'home/.claude.json',
      `{"projects": {${many(300, (index) => `"/p${index}": {"mcpServers": {${many(4, (at) => `"s${4 * index + at}": {"command": "node"}`)}}}`)}}}`,
    ],
    ['home/.codex/config.toml', Array.from({ length: 1_200 }, (_, index) => `[mcp_servers.s${index}]\ncommand = "node"\n`).join('')],
  ] as const) {
    it(`reads the first 1,000 entries of ${path}, and says that there are more`, async () => {
      const file = tree.write(path, text);
      const reading = await tree.discover();
      const own = reading.definitions.filter((definition) => definition.file === file);
      deepEqual([own.length, own[0]?.name, own.at(-1)?.name], [1_000, 's0', 's999']);
      deepEqual(
        reading.problems.map((problem) => [problem.file, /1200.*1,?000/.test(problem.message)]),
        [[file, true]],
      );
      ok(names(reading).includes('good'));
    });
  }

  it(`reads files of ${size / 1e6} MB in seconds, whatever they repeat`, async function () {
    // The limit is one of processor time; a busy machine or a measurement of coverage takes longer by the clock.
    this.timeout(120_000);
    const fits = (item: (index: number) => string, open: string, close: string): string => {
      let text = open;
      for (let index = 0; text.length < size; index++) {
        text += `${item(index)},`;
      }
      return `${text.slice(0, -1)}${close}`;
    };
    tree.write(
      'home/.cursor/mcp.json',
      fits(() => '"x": {"command": "n"}', '{"mcpServers": {', '}}'),
    );
    tree.write(
      'home/.copilot/mcp-config.json',
      fits(
        (index) =>
          `"s${index}": {"command": "npx", "args": ["-y", "package-${index}"], "env": {"A_TOKEN": "canary-${index}-of-many-servers"}}`,
        '{"mcpServers": {',
        '}}',
      ),
    );
    tree.write(
      'home/.qwen/settings.json',
      fits((index) => `"s${index}"`, '{"mcpServers": {"a": {"command": "b"}}, "mcp": {"excluded": [', ']}}'),
    );
    tree.write(
      'home/.augment/settings.json',
      fits((index) => `"s${index}" {"command" "b"}`, '{"mcpServers": {', '}}'),
    );
    tree.write(
      'home/.claude.json',
      fits((index) => `"/p${index}": {"mcpServers": {"x": {"command": "b"}}, "disabledMcpServers": ["x"]}`, '{"projects": {', '}}'),
    );
    tree.write(
      'home/.codex/config.toml',
      Array.from({ length: size / 40 }, (_, index) => `[mcp_servers.s${index}]\ncommand = "n"\n`).join(''),
    );
    tree.write(
      'home/work/project/.vscode/mcp.json',
      fits((index) => `"-a", "v${index}"`, '{"servers": {"redis": {"command": "redis-cli", "args": [', ']}}}'),
    );
    const began = processorTime();
    const reading = await tree.discover();
    const spent = processorTime() - began;
    ok(names(reading).includes('good'));
    ok(reading.problems.length < 20, JSON.stringify(reading.problems.slice(0, 30)));
    ok(spent < 3 * hangMs * (size / 2e6), `${spent} ms`);
  });

  it('says once that a name is repeated, in which line first, and takes the last', () => {
    const text = `{"mcpServers": {\n${many(5_000, (index) => `"x": {"command": "c${index}"}\n`)}}}`;
    const { entries, problems } = writableFormat('mcp-servers').read(text);
    deepEqual(
      entries.map(({ value }) => JSON.stringify(value)),
      ['{"command":"c4999"}'],
    );
    equal(problems.length, 1);
    equal(problems[0]?.line, 2);
    assertNames(problems[0]?.message, '“x”', 'later entry counts');
  });

  it('loses an entry that cannot be judged, names it, and keeps the others', async () => {
    // A value that overflows the stack of a regular expression.
    const file = tree.write('home/.cursor/mcp.json', {
      mcpServers: { odd: { command: 'node', env: { A: 'mysql '.repeat(1_200_000) } }, next: { command: 'node' } },
    });
    const reading = await tree.discover();
    ok(names(reading).includes('next') && names(reading).includes('good'));
    ok(names(reading).includes('odd') || reading.problems.some((problem) => problem.file === file && problem.message.includes('odd')));
  });
});
