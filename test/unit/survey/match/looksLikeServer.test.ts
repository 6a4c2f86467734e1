import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { looksLikeServer } from '../../../../src/survey/match/looksLikeServer.ts';
import { detail, row } from '../../../fixtures/argv/processRows.ts';

const servers: readonly (readonly string[] | string)[] = [
  ['node', '/home/u/.npm/_npx/0123456789abcdef/node_modules/.bin/mcp-server-memory'],
  ['node', '/home/u/.npm/_npx/0123456789abcdef/node_modules/@modelcontextprotocol/server-x/dist/index.js'],
  // As pnpm's shim for a program writes it.
  ['node', '/home/u/p/node_modules/.bin/../@modelcontextprotocol/server-x/dist/index.js'],
  ['node', '/home/u/src/weather-mcp/dist/index.js'],
  ['node', '/home/u/src/weatherMcpServer/build/main.js'],
  // A plugin of Claude Code.
  ['node', '/home/u/.claude/plugins/cache/market/weather-mcp/1.0.0-beta.1/server/index.js'],
  ['node', '/home/u/my-mcp.js', '--port', '1'],
  ['python', '/home/u/mcp_weather/server.py'],
  ['python', '-m', 'mcp_server_git'],
  ['/home/u/.cache/uv/archive-v0/A/bin/python', '/home/u/.cache/uv/archive-v0/A/bin/awslabs.core-mcp-server'],
  ['/opt/bin/github-mcp-server', 'stdio'],
  ['docker', 'run', '-i', 'ghcr.io/github/github-mcp-server'],
  ['docker', 'run', '-i', 'mcp/fetch:1'],
  ['claude', 'mcp', 'serve'],
  ['codex', 'mcp-server'],
  ['python', '/home/u/v/bin/mcp', 'run', 'server.py'],
  ['deno', 'run', '-A', 'npm:@modelcontextprotocol/server-memory'],
  ['npx', '@playwright/mcp@latest'],
  'npm exec some-mcp',
];
const strangers: readonly (readonly string[] | string)[] = [
  ['claude', 'mcp', 'list'],
  ['gemini', 'mcp', 'add', 'x-mcp'],
  ['vim', '/home/u/mcp/server.py'],
  ['grep', '-r', 'mcp', '.'],
  ['tail', '-f', '/var/log/mcp-server.log'],
  ['git', 'clone', 'https://x.example/some-mcp'],
  ['bash', '-c', 'echo mcp'],
  ['-bash'],
  'npm install some-mcp',
  ['node', '/usr/bin/npm', 'install', 'some-mcp'],
  ['pip', 'install', 'mcp-server-git'],
  ['python', '-m', 'pip', 'install', 'mcp-server-git'],
  ['node', '/home/u/mcp-thing/node_modules/typescript/lib/tsserver.js'],
  ['node', '/home/u/mcp-thing/node_modules/.bin/vite'],
  ['node', '/home/u/mcp-thing/scripts/build.js'],
  ['node', '/home/u/mcp-thing/node_modules/mocha/bin/mocha.js'],
  ['node', '/home/u/.npm/_npx/0123456789abcdef/node_modules/.bin/mcp-inspector'],
  ['node', '/usr/local/bin/mcp-shepherd', 'status'],
  ['mcphost', '--model', 'x'],
  ['/opt/chrome', '--type=renderer', '--user-data-dir=/home/u/.cache/ms-playwright/mcp-chrome'],
  ['/opt/chrome', '--user-data-dir=/home/u/.cache/ms-playwright/mcp-chrome'],
  ['python', '-c', 'import mcp'],
  ['node', '-e', 'mcp()'],
  ['mcp', 'install', 'server.py'],
  ['code', '/home/u/mcp'],
  ['/usr/bin/mcpp', 'x'],
  [],
];

describe('the look of an MCP server', () => {
  for (const argv of servers) {
    it(`yes: ${typeof argv === 'string' ? argv : argv.join(' ')}`, () =>
      assert.ok(looksLikeServer({ server: row(5, 1, argv), launchers: [] })));
  }
  for (const argv of strangers) {
    it(`no: ${typeof argv === 'string' ? argv : argv.join(' ')}`, () =>
      assert.ok(!looksLikeServer({ server: row(5, 1, argv), launchers: [] })));
  }

  it('asks the folder where the script is relative', () => {
    const server = row(5, 1, ['node', 'dist/index.js']);
    assert.ok(!looksLikeServer({ server, launchers: [] }));
    assert.ok(looksLikeServer({ server, launchers: [], detail: detail({ cwd: '/home/u/weather-mcp' }) }));
    assert.ok(!looksLikeServer({ server, launchers: [], detail: detail({ cwd: '/home/u/weather' }) }));
  });

  it('goes by the launcher when the server says nothing of itself', () => {
    assert.ok(looksLikeServer({ server: row(5, 4, 'weather'), launchers: [row(4, 1, 'npm exec weather-mcp')] }));
  });

  it('does not count what a person runs in a terminal by hand', () => {
    const server = row(5, 1, ['node', '/home/u/my-mcp.js']);
    assert.ok(!looksLikeServer({ server, launchers: [], detail: detail({ stdin: 'terminal' }) }));
    assert.ok(looksLikeServer({ server, launchers: [], detail: detail({ stdin: 'terminal', listens: true }) }));
  });
});
