import { deepEqual, equal, ok } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { type EntryFields, readEntry } from '../../../../src/config/formats/serverEntry.ts';
import { hangMs, processorTime } from '../../processorTime.ts';
import { writableFormat } from '../tree.ts';

describe('readEntry', () => {
  const read = (value: unknown, plainUrl?: 'sse'): Partial<EntryFields> | string | undefined => {
    const { fields, problem } = readEntry({ name: 'x', line: 1, value }, plainUrl);
    return fields ?? problem;
  };
  const stdio = { transport: 'stdio', args: [], env: {}, headers: [], enabled: true };
  const remote = { args: [], env: {}, headers: [], enabled: true, url: 'https://h/' };
  const accepted: readonly [string, unknown, unknown][] = [
    ['a command alone', { command: 'node' }, { ...stdio, command: 'node' }],
    [
      'all of stdio',
      { type: 'local', command: 'a b', args: ['1', ''], cwd: '/w' },
      { ...stdio, command: 'a b', args: ['1', ''], cwd: '/w' },
    ],
    ['a command in a list', { command: ['npx', '-y'], args: ['p'] }, { ...stdio, command: 'npx', args: ['-y', 'p'] }],
    [
      'odd values of variables',
      { command: 'n', env: { A: 1, B: true, C: null, D: 'd' } },
      { ...stdio, command: 'n', env: { A: '1', B: 'true', C: null, D: 'd' } },
    ],
    [
      'variables in several fields, of which a client reads one: all hold secrets',
      { command: 'n', env: { A: '1' }, environment: { A: '2', B: '3' } },
      { ...stdio, command: 'n', env: { A: '1', B: '3' } },
    ],
    [
      'tables that no client reads: they may hold variables',
      { command: 'n', 'x"env"': { A: 's3cret' }, sandbox: { on: true } },
      { ...stdio, command: 'n', unread: { A: 's3cret' } },
    ],
    ['other names', { cmd: 'n', envs: { A: '1' }, working_directory: '/w' }, { ...stdio, command: 'n', env: { A: '1' }, cwd: '/w' }],
    ['disabled', { command: 'n', disabled: true }, { ...stdio, command: 'n', enabled: false }],
    ['enabled: false', { command: 'n', enabled: false }, { ...stdio, command: 'n', enabled: false }],
    ['a URL', { url: 'https://h/' }, { ...remote, transport: 'http' }],
    ['serverUrl', { serverUrl: 'https://h/' }, { ...remote, transport: 'http' }],
    ['httpUrl', { httpUrl: 'https://h/' }, { ...remote, transport: 'http' }],
    ['sse', { type: 'sse', url: 'https://h/' }, { ...remote, transport: 'sse' }],
    ['streamable-http', { transport: 'streamable-http', url: 'https://h/' }, { ...remote, transport: 'http' }],
    ['streamableHttp', { type: 'streamableHttp', url: 'https://h/' }, { ...remote, transport: 'http' }],
    ['ws', { type: 'ws', url: 'https://h/' }, { ...remote, transport: 'ws' }],
    ['an unknown type', { type: 'new', url: 'https://h/' }, { ...remote, transport: 'http' }],
    ['headers', { url: 'https://h/', http_headers: { A: 'b', C: 1 } }, { ...remote, transport: 'http', headers: [['A', 'b']] }],
    ['a command and an empty URL', { command: 'n', url: null }, { ...stdio, command: 'n' }],
    ['both, with a type', { type: 'http', command: 'n', url: 'https://h/' }, { ...remote, transport: 'http' }],
    ['both, without', { command: 'n', url: 'https://h/' }, { ...stdio, command: 'n' }],
    ['only a switch', { enabled: false }, undefined],
  ];
  for (const [what, value, expected] of accepted) {
    it(`understands ${what}`, () => deepEqual(read(value), expected));
  }
  it('knows that a plain URL is SSE to some clients', () => {
    deepEqual(read({ url: 'https://h/' }, 'sse'), { ...remote, transport: 'sse' });
    deepEqual(read({ httpUrl: 'https://h/' }, 'sse'), { ...remote, transport: 'http' });
  });
  const refused: readonly [unknown, RegExp][] = [
    ['npx x', /not an object/],
    [null, /not an object/],
    [[], /not an object/],
    [{}, /neither a command nor a URL/],
    [{ args: ['x'] }, /neither a command nor a URL/],
    [{ command: 3 }, /command that is not a string/],
    [{ command: ' ' }, /command that is not a string/],
    [{ command: [] }, /command that is not a string/],
    [{ command: 'n', args: 'x' }, /“args”/],
    [{ command: 'n', args: ['x', 1] }, /“args”/],
    [{ url: 4 }, /URL that is not a string/],
    [{ url: '' }, /URL that is not a string/],
    [{ type: 'http', command: 'n' }, /type http and has no URL/],
    [{ type: 'stdio', url: 'https://h/' }, /type stdio and has no command/],
  ];
  for (const [value, message] of refused) {
    it(`refuses ${JSON.stringify(value)}`, () => {
      const { fields, problem } = readEntry({ name: 'x', line: 1, value });
      equal(fields, undefined);
      ok(message.test(problem ?? '') && problem?.includes('“x”'), problem);
    });
  }
  it('keeps an entry whose variables are no texts, and says so', () => {
    const { fields, problem } = readEntry({ name: 'x', line: 1, value: { command: 'n', env: { A: {}, B: 'b' } } });
    deepEqual(fields?.env, { B: 'b' });
    ok(problem?.includes('environment variables'));
  });
});

describe('formats', () => {
  it('reads a bare map of servers, and nothing else in it', () => {
    const file = writableFormat('dot-mcp').read(
      '{"$schema": "x", "inputs": [], "a": {"command": "node"}, "b": {"url": "https://h/"}, "other": {"x": 1}}',
    );
    deepEqual(
      file.entries.map(({ name }) => name),
      ['a', 'b'],
    );
    deepEqual(file.problems, []);
  });
  it('reads the old key of VS Code in both spellings and no other settings', () => {
    const read = (text: string): string[] =>
      writableFormat('vscode-settings')
        .read(text)
        .entries.map(({ name }) => name);
    deepEqual(read('{"mcp": {"servers": {"a": {}}}}'), ['a']);
    deepEqual(read('{"mcp.servers": {"a": {}}}'), ['a']);
    deepEqual(
      writableFormat('vscode-settings').read('{"editor": '),
      writableFormat('vscode-settings').read(''),
      'a broken file without servers is not our concern',
    );
  });
  it('finds lines after comments, escapes and line ends of all kinds', () => {
    const { entries } = writableFormat('mcp-servers').read(
      '// "a"\r\n/* "mcpServers": {\r\n */ {"x": "\\"}", "mcpServers":\r\n{\r\n\r\n"a\\u0062": {}, // }\n"c": {}}}',
    );
    deepEqual(
      entries.map(({ name, line }) => [name, line]),
      [
        ['ab', 6],
        ['c', 7],
      ],
    );
  });
});

describe('lines of the servers of Codex', () => {
  const cases: readonly [string, string, Record<string, number>][] = [
    ['headers', '# x\n[mcp_servers.a]\ncommand = "x"\n\n[mcp_servers.b]\n', { a: 2, b: 5 }],
    ['a table below an entry first', '[mcp_servers.a.env]\nX = "1"\n[mcp_servers.a]\n', { a: 1 }],
    [
      'quoted names and spaces',
      '[ mcp_servers . "a b" ]\r\n[mcp_servers.\'c.d\'] # x\r\n[mcp_servers."\\u0065"]',
      { 'a b': 1, 'c.d': 2, e: 3 },
    ],
    ['keys inside the table', '[mcp_servers]\na = { command = "x" }\nb.command = "y"\n[other]\nc = 1\n', { a: 2, b: 3 }],
    ['dotted keys at the top', 'mcp_servers.a.command = "x"\nmcp_servers.b = { command = "y" }', { a: 1, b: 2 }],
    ['one line for all', '\nmcp_servers = { a = { command = "x" } }', { a: 2 }],
    [
      'texts over several lines',
      'x = """\n[mcp_servers.no]\n\\""" "\n"""\ny = \'\'\'\n[mcp_servers.no]\n\'\'\'\n[mcp_servers.yes]',
      { yes: 8 },
    ],
    ['quotes in comments and texts', 'x = "#" # """\ny = \'"""\'\n[mcp_servers.yes]', { yes: 3 }],
    ['other tables', '[mcp_servers_old.a]\n[x.mcp_servers.b]\n[[mcp]]\n', {}],
    ['garbage', '[[[\n]]]\n= = =\n"""\n[mcp_servers.no]', {}],
  ];
  for (const [what, text, expected] of cases) {
    it(`finds ${what}`, () => {
      const { entries } = writableFormat('codex-config').read(text);
      deepEqual(Object.fromEntries(entries.map(({ name, line }) => [name, line])), expected);
    });
  }
  it('finds the line of a table that is not one', () => {
    const { problems } = writableFormat('codex-config').read('model = "x"\nmcp_servers = 3');
    deepEqual(
      problems.map(({ line }) => line),
      [2],
    );
  });
  it('is quick on long lines', () => {
    const began = processorTime();
    writableFormat('codex-config').read(`x = "${'\\"'.repeat(500_000)}"`);
    writableFormat('codex-config').read('a.'.repeat(500_000));
    writableFormat('codex-config').read(`x = [${'1, '.repeat(300_000)}]\n${'\n'.repeat(300_000)}[mcp_servers.a]\ncommand = "x"`);
    ok(processorTime() - began < hangMs);
  });
});
