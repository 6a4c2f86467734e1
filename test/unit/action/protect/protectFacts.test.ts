import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { protectFacts } from '../../../../src/action/protect/protectFacts.ts';
import type { RawDefinition } from '../../../../src/model/definition.ts';

describe('The rules that decide whether an entry may be protected', () => {
  it('are read from regular files only: a named pipe in the place of the settings holds nothing up', async function () {
    if (process.platform === 'win32') {
      this.skip();
    }
    const folder = mkdtempSync(join(tmpdir(), 'protect-facts-'));
    try {
      const pipe = join(folder, 'settings.json');
      execFileSync('mkfifo', [pipe]);
      const rules = join(folder, 'policy.json');
      writeFileSync(rules, JSON.stringify({ deniedMcpServers: [{ serverCommand: ['node', 'x.js'] }] }));
      const definition = {
        client: 'claude-code',
        readBy: ['claude-code'],
        name: 'notes',
        file: join(folder, 'mcp.json'),
      } as unknown as RawDefinition;
      const machine = { home: folder, platform: process.platform, env: {}, running: new Map(), policyFiles: [pipe, rules] };
      const facts = await protectFacts(definition, definition.file, { entry: {}, words: ['node', 'x.js'] } as never, machine);
      assert.equal(facts.rules.length, 1);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
