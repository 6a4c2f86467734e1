import { deepEqual, equal, ok } from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type CopyPreparation, prepareCopy } from '../../../../src/action/protect/copyEntry.ts';
import { makeChange } from '../../../../src/action/protect/protectChange.ts';
import type { Machine } from '../../../../src/action/protect/protectFacts.ts';
import { createPaint } from '../../../../src/cli/render/paint.ts';
import { copyReport, renderCopy, renderCopyDone } from '../../../../src/cli/render/protectView.ts';
import { jsonText } from '../../../../src/cli/terminal.ts';
import { assertNames, assertOmits } from '../../../names.ts';
import { named, Tree } from '../../config/tree.ts';

const empty = {
  '.codex/config.toml': '',
  '.config/goose/config.yaml': 'extensions: {}\n',
  '.config/zed/settings.json': '{}',
  '.config/opencode/opencode.json': '{}',
};
const values = ['hunter', 's3cr3t-2 "x"', 'line one\nline two of a value that is longer than a line of forty characters'];

describe('prepareCopy', () => {
  let tree: Tree;
  beforeEach(() => {
    tree = new Tree();
  });
  afterEach(() => tree.remove());

  async function copy(name: string, to: string, changes: Partial<Machine> = {}): Promise<CopyPreparation> {
    const reading = await tree.discover();
    const machine = { home: tree.home, platform: 'linux', env: {}, running: new Map(), policyFiles: [], ...changes } as const;
    return prepareCopy(
      named({ ...reading, definitions: reading.definitions.filter(({ client }) => client === 'cursor') }, name),
      to,
      reading.definitions,
      machine,
    );
  }

  function cursor(servers: object): string {
    return tree.write('home/.cursor/mcp.json', { mcpServers: servers });
  }

  it('writes the entry in the form of each client, names what carries values, and shows none', async () => {
    const env = Object.fromEntries(values.map((value, index) => [`KEY_${index}`, value]));
    const file = cursor({ notes: { command: 'npx', args: ['-y', 'notes@1'], env, timeout: 5 } });
    const before = readFileSync(file, 'utf8');
    for (const [path, text] of Object.entries(empty)) {
      tree.write(`home/${path}`, text);
    }
    for (const [client, path] of [
      ['codex', '.codex/config.toml'],
      ['goose', '.config/goose/config.yaml'],
      ['zed', '.config/zed/settings.json'],
      ['opencode', '.config/opencode/opencode.json'],
    ] as const) {
      const change = await copy('notes', client);
      ok(change.kind === 'change', `${client}: ${change.kind === 'refused' && change.reason}`);
      deepEqual(change.variables, Object.keys(env));
      const view = { width: 100, paint: createPaint(false), redact: (line: string) => line };
      const shown = [renderCopy(change, view), renderCopyDone(change, 'b', 100), jsonText(copyReport(change, 'b', view.redact))].join('\n');
      assertOmits(shown, 'hunter', 's3cr3t', 'line two');
      assertNames(shown, 'notes@1', 'KEY_0', 'timeout', path);
      makeChange(change, join(tree.root, 'run'), 0);
      const copied = (await tree.discover()).definitions.find((one) => one.client === client && one.name === 'notes');
      deepEqual([copied?.command, copied?.args, copied?.env], ['npx', ['-y', 'notes@1'], env], client);
      equal((await copy('notes', client)).kind, 'refused', 'it is there');
    }
    equal(readFileSync(file, 'utf8'), before);
  });

  it('refuses what it must not write, with the reason', async () => {
    cursor({
      far: { url: 'https://example.com' },
      asks: { command: 'x', env: { A: '${input:key}' } },
      notes: { command: '/run/mcp-shepherd', args: ['guard', '--', 'npx', 'notes'], disabled: true, env: { HOME_OF: '${env:X}' } },
    });
    const reason = async (name: string, to: string, changes: Partial<Machine> = {}): Promise<string> => {
      const change = await copy(name, to, changes);
      return change.kind === 'refused' ? change.reason : change.kind;
    };
    assertNames(await reason('notes', 'codex'), 'Codex', '.codex/config.toml');
    const codex = tree.write('home/.codex/config.toml', '[mcp_servers\n');
    assertNames(await reason('notes', 'codex'), 'mistake');
    tree.write('home/.codex/config.toml', '');
    assertNames(await reason('far', 'codex'), 'remote');
    assertNames(await reason('asks', 'codex'), 'inputs');
    assertNames(await reason('notes', 'cursor'), 'itself');
    assertNames(await reason('notes', 'nobody'), 'nobody');
    tree.write('home/.config/Claude/claude_desktop_config.json', '{}');
    assertNames(await reason('notes', 'claude-desktop', { running: new Map([['claude-desktop', [7]]]) }), 'PID 7');
    const change = await copy('notes', 'codex');
    ok(change.kind === 'change');
    deepEqual(change.words, ['npx', 'notes'], 'without the guard');
    assertNames(change.warnings.join('\n'), 'guard', 'switched off', 'HOME_OF');
    chmodSync(codex, 0o444);
    assertNames(await reason('notes', 'codex'), 'read-only');
    chmodSync(codex, 0o600);
    mkdirSync(join(tree.home, '.git'));
    assertNames(await reason('notes', 'codex'), 'git work tree');
  });
});
