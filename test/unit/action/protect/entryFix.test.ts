import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type FixPreparation, prepareFix } from '../../../../src/action/protect/entryFix.ts';
import { makeChange } from '../../../../src/action/protect/protectChange.ts';
import type { Machine } from '../../../../src/action/protect/protectFacts.ts';
import type { EntryFix } from '../../../../src/model/entryHealth.ts';
import { named, Tree } from '../../config/tree.ts';

const program: EntryFix = { kind: 'program', path: '/usr/local/bin/uvx' };

describe('prepareFix', () => {
  let tree: Tree;
  beforeEach(() => {
    tree = new Tree();
  });
  afterEach(() => tree.remove());

  const prepare = async (name: string, fix: EntryFix, more: Partial<Machine> = {}): Promise<FixPreparation> =>
    prepareFix(named(await tree.discover(), name), fix, {
      home: tree.home,
      platform: 'linux',
      env: { PATH: process.env.PATH },
      running: new Map(),
      policyFiles: [],
      ...more,
    });
  const changed = async (name: string, fix: EntryFix): Promise<string> => {
    const prepared = await prepare(name, fix);
    ok(prepared.kind === 'change', JSON.stringify(prepared));
    return prepared.after;
  };

  it('replaces the command and no other byte, in JSON, in a list of words, in TOML and in YAML', async () => {
    const json = '{ // mine\n  "mcpServers": {\n    "notes": { "command" : "uvx", /* why */ "args": [ "a", // b\n "c" ], },\n  },\n}\n';
    tree.write('home/.cursor/mcp.json', json);
    equal(await changed('notes', program), json.replace('"uvx"', '"/usr/local/bin/uvx"'));
    const list = '{ "mcp": { "list": { "type": "local", "command": ["uvx",\t"a"] } } }';
    tree.write('home/.config/opencode/opencode.json', list);
    equal(await changed('list', program), list.replace('"uvx"', '"/usr/local/bin/uvx"'));
    const toml = "# mine\n[mcp_servers.codex]\ncommand = 'uvx' # why\nargs = [\n  'a', # b\n]\n";
    tree.write('home/.codex/config.toml', toml);
    equal(await changed('codex', program), toml.replace("'uvx'", '"/usr/local/bin/uvx"'));
    const yaml = 'extensions: # mine\n  goose:\n    type: stdio\n    cmd: uvx # why\n    args:\n      - a\n';
    tree.write('home/.config/goose/config.yaml', yaml);
    equal(await changed('goose', program), yaml.replace('uvx', '"/usr/local/bin/uvx"'));
  });

  it('puts cmd before npx', async () => {
    tree.write('home/.claude.json', '{\n  "mcpServers": { "notes": { "command": "npx", "args": ["-y", "a"] } }\n}\n');
    equal(
      await changed('notes', { kind: 'cmd' }),
      '{\n  "mcpServers": { "notes": { "command": "cmd", "args": ["/c", "npx", "-y", "a"] } }\n}\n',
    );
  });

  it('is written once, and not over a change of another program', async () => {
    const file = tree.write('home/.cursor/mcp.json', { mcpServers: { notes: { command: 'uvx', args: ['a'] } } });
    mkdirSync(join(tree.root, 'run'), { mode: 0o700 });
    const prepared = await prepare('notes', program);
    ok(prepared.kind === 'change');
    const old = readFileSync(file);
    const copy = makeChange(prepared, join(tree.root, 'run'), 0);
    deepEqual(readFileSync(copy), old);
    equal(JSON.parse(readFileSync(file, 'utf8')).mcpServers.notes.command, program.path);
    const again = await prepare('notes', program);
    ok(again.kind === 'change');
    writeFileSync(file, '{}');
    let refused = '';
    try {
      makeChange(again, join(tree.root, 'run'), 0);
    } catch (error) {
      refused = error instanceof Error ? error.name : '';
    }
    equal(refused, 'EditRefused');
    equal(readFileSync(file, 'utf8'), '{}');
  });

  it('is refused where others get the file, where the client overwrites it, and where only reading is safe', async () => {
    mkdirSync(join(tree.project, '.git'));
    tree.write('home/work/project/.cursor/mcp.json', { mcpServers: { shared: { command: 'uvx', args: ['a'] } } });
    tree.write('home/.config/Claude/claude_desktop_config.json', { mcpServers: { desktop: { command: 'uvx', args: ['a'] } } });
    for (const [name, more, why] of [
      ['shared', {}, /git work tree/],
      ['desktop', { running: new Map([['claude-desktop', [41]]]) }, /PID 41/],
    ] as const) {
      const prepared = await prepare(name, program, more);
      ok(prepared.kind === 'refused', name);
      match(prepared.reason, why);
    }
  });
});
