import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { commandRules } from '../../../../src/action/protect/allowLists.ts';
import { type ProtectFacts, protectFacts } from '../../../../src/action/protect/protectFacts.ts';
import { protectRefusal, warningsFor } from '../../../../src/action/protect/protectRules.ts';
import type { RawDefinition } from '../../../../src/model/definition.ts';
import { assertNames } from '../../../names.ts';

const definition: RawDefinition = {
  id: '1',
  client: 'vscode',
  readBy: ['vscode'],
  scope: 'user',
  file: '/home/ada/.config/Code/User/mcp.json',
  line: 3,
  name: 'notes',
  transport: 'stdio',
  command: 'npx',
  args: ['-y', 'x'],
  env: {},
  secrets: [],
  enabled: true,
};
const quiet: ProtectFacts = {
  definition,
  clientName: 'VS Code',
  otherReaders: [],
  restartStep: 'Restart it.',
  rules: [],
  own: ['npx', '-y', 'x'],
  entry: { command: 'npx', args: ['-y', 'x'] },
};

describe('files of administrators with rules about commands', () => {
  it('waits for no named pipe there, and reads the rules of the others', async function () {
    if (process.platform === 'win32') {
      this.skip();
    }
    const folder = mkdtempSync(join(tmpdir(), 'policies-'));
    try {
      const [pipe, file] = [join(folder, 'pipe.json'), join(folder, 'policy.json')];
      execFileSync('mkfifo', [pipe]);
      writeFileSync(file, JSON.stringify({ allowedMcpServers: [{ serverCommand: ['npx', '-y', 'x'] }] }));
      const machine = { home: folder, platform: process.platform, env: {}, running: new Map(), policyFiles: [pipe, file] };
      const facts = await protectFacts(
        definition,
        join(folder, 'mcp.json'),
        { words: ['npx', '-y', 'x'], hasArgs: true, entry: quiet.entry },
        machine,
      );
      deepEqual(
        facts.rules.map((rule) => rule.file),
        [file],
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('judgement', () => {
  it('changes what belongs to the person alone', () => {
    equal(protectRefusal(quiet, 'protect', false), undefined);
    equal(warningsFor(quiet, 'protect', false).length, 0);
  });

  it('refuses files of administrators and of clients that overwrite them, whatever is requested', () => {
    for (const action of ['protect', 'unprotect'] as const) {
      assertNames(protectRefusal({ ...quiet, definition: { ...definition, scope: 'managed' } }, action, true)?.reason, 'administrator');
      const rewritten = protectRefusal({ ...quiet, clientName: 'Claude Desktop', rewrittenBy: [7, 8] }, action, true);
      assertNames(rewritten?.reason, 'PID 7, 8');
      assertNames(rewritten?.advice[0], 'Quit Claude Desktop');
    }
  });

  it('refuses a machine’s path in a file that others share, and lets the way back pass', () => {
    const shared = { ...quiet, workTree: '/home/ada/shop' };
    const refusal = protectRefusal(shared, 'protect', false);
    assertNames(refusal?.reason, '/home/ada/shop');
    deepEqual([refusal?.portableHelps, refusal?.advice.length], [undefined, 1]);
    equal(protectRefusal(shared, 'unprotect', false), undefined);
    const claude = protectRefusal({ ...shared, definition: { ...definition, client: 'claude-code' } }, 'protect', false);
    assertNames(claude?.advice[0], 'claude mcp add --scope local notes');
  });

  it('refuses the portable form while npm has no such package, and offers the launcher or the user’s own scope', () => {
    const shared = { ...quiet, workTree: '/home/ada/shop' };
    const refusal = protectRefusal(quiet, 'protect', true);
    assertNames(refusal?.reason, 'npm');
    assertNames(refusal?.advice.join(), 'launcher');
    assertNames(protectRefusal(shared, 'protect', true)?.advice.join(), 'notes');
    // Once the package is published.
    equal(protectRefusal(shared, 'protect', true, true), undefined);
    equal(protectRefusal(shared, 'protect', false, true)?.portableHelps, true);
  });

  it('warns where an administrator allows exactly this command, and does not slip past one that forbids it', () => {
    const rules = (key: string, words: unknown) =>
      commandRules({ [key]: [{ serverName: 'other' }, { serverCommand: words }] }, '/etc/policy.json');
    const allowed = { ...quiet, rules: rules('allowedMcpServers', ['npx', '-y', 'x']) };
    ok(warningsFor(allowed, 'protect', false).some((warning) => warning.includes('/etc/policy.json allows exactly this command')));
    equal(warningsFor({ ...quiet, rules: rules('allowedMcpServers', ['npx', 'x']) }, 'protect', false).length, 0);
    assertNames(
      protectRefusal({ ...quiet, rules: rules('chat.mcp.deniedServers', ['npx', '-y', 'x']) }, 'protect', false)?.reason,
      'does not allow',
    );
  });

  it('reads rules as both products write them, and nothing else', () => {
    equal(commandRules({ 'chat.mcp.allowedServers': [{ command: 'npx', args: ['x'] }] }, 'f')[0]?.words.join(' '), 'npx x');
    equal(commandRules({ ChatMcpAllowedServers: '[{"command":["npx","x"]}]' }, 'f')[0]?.words.join(' '), 'npx x');
    for (const settings of [
      null,
      7,
      [],
      { allowedMcpServers: 'x' },
      { allowedMcpServers: [7, {}, { serverCommand: [7] }] },
      { allowedServers: [{ command: 'x' }] },
    ]) {
      equal(commandRules(settings, 'f').length, 0);
    }
  });

  it('tells what is easily overlooked', () => {
    const busy: ProtectFacts = {
      ...quiet,
      definition: { ...definition, enabled: false, vscodeCollection: 'user' },
      otherReaders: ['Cursor', 'Copilot CLI'],
      entry: { sandboxEnabled: true, dev: { debug: { type: 'node' } } },
    };
    const told = warningsFor(busy, 'protect', false).join('\n');
    for (const words of [/switched off/, /Cursor and Copilot CLI read this file too/, /sandbox/, /dev\.debug/, /Settings Sync/]) {
      match(told, words);
    }
  });
});
