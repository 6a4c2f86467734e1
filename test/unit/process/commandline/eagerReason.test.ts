import assert from 'node:assert/strict';
import { eagerReason } from '../../../../src/process/commandline/eagerReason.ts';

describe('servers that are never started lazily', () => {
  for (const words of [
    'pnpm dlx @modelcontextprotocol/server-memory',
    'bunx @modelcontextprotocol/server-memory',
    'npx -y mcp-remote https://example.com/mcp',
    'mcp-remote https://example.com/mcp',
    'node /m/.bin/mcp-remote https://example.com/mcp',
    'docker run -i --rm mcp/time',
    'podman run -i mcp/time',
    'ssh host mcp-server',
    'env A=b docker run -i mcp/time',
    'sh ./start.sh',
  ]) {
    it(words, () => {
      const [command = '', ...args] = words.split(' ');
      assert.equal(typeof eagerReason(command, args), 'string');
    });
  }

  for (const words of [
    'node /m/server/index.js',
    'npx -y @modelcontextprotocol/server-memory@1.0.0',
    'uvx mcp-server-time',
    'mcp-server-memory',
    'python3 -m mcp_server_time',
    '/venv/bin/mcp-server-time',
    'env A=b node x.js',
  ]) {
    it(`but the code decides: ${words}`, () => {
      const [command = '', ...args] = words.split(' ');
      assert.equal(eagerReason(command, args), undefined);
    });
  }
});
