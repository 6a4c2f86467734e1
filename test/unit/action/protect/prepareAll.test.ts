import { deepEqual, equal, ok } from 'node:assert/strict';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type AllPreparation, prepareAll } from '../../../../src/action/protect/prepareAll.ts';
import { makeChange, type ProtectRequest } from '../../../../src/action/protect/protectChange.ts';
import type { RawDefinition } from '../../../../src/model/definition.ts';
import { assertNames } from '../../../names.ts';
import { Tree } from '../../config/tree.ts';

const protect: ProtectRequest = { action: 'protect', portable: false, choices: { locks: [] } };

describe('prepareAll', () => {
  let tree: Tree;
  beforeEach(() => {
    tree = new Tree();
  });
  afterEach(() => tree.remove());

  const prepare = (definitions: readonly RawDefinition[], request: ProtectRequest, env = {}): Promise<AllPreparation> =>
    prepareAll(definitions, request, join(tree.root, 'run'), {
      home: tree.home,
      platform: 'linux',
      env,
      running: new Map(),
      policyFiles: [],
    });

  it('changes 100 entries of a file at once, and refuses the others without looking at them', async () => {
    const servers = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`s${index}`, { command: 'x', args: ['a'] }]));
    const file = tree.write('home/.cursor/mcp.json', { mcpServers: servers });
    const { definitions } = await tree.discover();
    const all = await prepare(definitions, protect);
    equal(all.files[0]?.changes.length, 100);
    equal(all.refused.length, 900);
    assertNames(all.refused[0]?.refusal.reason ?? '', file, '100');
  });

  it('asks git once for each file', async () => {
    const calls = join(tree.root, 'calls');
    const git = tree.write('bin/git', `#!/bin/sh\necho "$@" >> '${calls}'\nexit 1\n`);
    chmodSync(git, 0o755);
    tree.write('work/.git/HEAD', '');
    const servers = { mcpServers: { one: { command: 'x' }, two: { command: 'y' }, three: { command: 'z' } } };
    const files = [tree.write('work/.mcp.json', servers), tree.write('work/.cursor/mcp.json', servers)];
    const { definitions } = await tree.discover({ folders: [join(tree.root, 'work')] });
    equal(definitions.length, 6);
    await prepare(definitions, protect, { PATH: `${join(tree.root, 'bin')}:/usr/bin:/bin` });
    const asked = readFileSync(calls, 'utf8').trim().split('\n');
    deepEqual(asked.map((line) => files.find((file) => line.endsWith(file))).sort(), [...files].sort());
  });

  it('changes the entries of a file together, and back to the byte; what cannot be changed is told and stops nothing', async () => {
    const cursor = tree.write('home/.cursor/mcp.json', {
      mcpServers: { one: { command: 'x' }, two: { command: 'y', args: ['z'] }, far: { url: 'https://example.com' } },
    });
    const goose = tree.write('home/.config/goose/config.yaml', 'extensions:\n  three: # mine\n    type: stdio\n    cmd: npx\n');
    const anchored = 'mcp_servers:\n  four: &a\n    command: npx\n  five:\n    command: npx\n    args: []\n';
    const hermes = tree.write('home/.hermes/config.yaml', anchored);
    const zed = tree.write(
      'home/.config/zed/settings.json',
      '{\n  // Mine.\n  "context_servers": { "six": { "command": "npx", "args": ["a",], }, },\n}\n',
    );
    const gemini = tree.write('home/.gemini/settings.json', { mcpServers: { seven: { command: 'x' } } });
    chmodSync(gemini, 0o444);
    const files = [cursor, goose, hermes, zed, gemini];
    const before = files.map((file) => readFileSync(file, 'utf8'));
    const { definitions } = await tree.discover();
    const all = await prepare(definitions, protect);
    deepEqual(
      all.files.map(({ file, changes }) => [file.path, changes.map(({ definition }) => definition.name).sort()]).sort(),
      [
        [cursor, ['one', 'two']],
        [goose, ['three']],
        [hermes, ['five']],
        [zed, ['six']],
      ].sort(),
    );
    deepEqual(all.refused.map(({ definition }) => definition.name).sort(), ['far', 'four', 'seven']);
    ok(all.refused.every(({ refusal }) => refusal.reason !== ''));
    deepEqual(
      files.map((file) => readFileSync(file, 'utf8')),
      before,
      'nothing is written yet',
    );
    for (const change of all.files) {
      makeChange(change, join(tree.root, 'run'), 0);
    }
    const guarded = (await tree.discover()).definitions.filter(({ args }) => args.includes('guard'));
    deepEqual(guarded.map(({ name }) => name).sort(), ['five', 'one', 'six', 'three', 'two']);
    deepEqual((await prepare(guarded, protect)).files, [], 'they are as requested');
    const undone = await prepare(guarded, { action: 'unprotect' });
    for (const change of undone.files) {
      makeChange(change, join(tree.root, 'run'), 1);
    }
    deepEqual(
      files.map((file) => readFileSync(file, 'utf8')),
      before,
    );
  });
});
