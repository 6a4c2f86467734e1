import { deepEqual } from 'node:assert/strict';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { Tree } from '../tree.ts';

describe('servers that plugins and extensions bring', () => {
  let tree: Tree;
  beforeEach(() => {
    tree = new Tree();
    tree.copy('plugins-written/home', tree.home);
  });
  afterEach(() => tree.remove());

  const rows = async (): Promise<string[]> => {
    const { definitions, problems } = await tree.discover({});
    deepEqual(problems, []);
    return definitions.map(({ client, name, enabled }) => `${client} ${name}${enabled ? '' : ' off'}`).sort();
  };

  it('are those that the clients list: manifests that name files, marketplaces that are folders, and what is switched off', async () => {
    deepEqual(await rows(), [
      'antigravity agysrv',
      'auggie asrv',
      // “a” has no state in the settings: Claude Code 2.1.331 does not list it.
      'claude-code asrvlive',
      'claude-code binline',
      'claude-code bsrv',
      'claude-code efile off',
      'claude-code einline off',
      'codex asrv',
      'codex bsrv off',
      'copilot-cli asrv',
      'copilot-cli bsrv off',
      'gemini gsrv off',
      'kimi kimioff off',
      'kimi kimion',
      'qwen qonsrv',
      'qwen qsrv off',
    ]);
  });

  it('runs where a project switches its plugin on', async () => {
    tree.write('home/work/project/.claude/settings.json', { enabledPlugins: { 'e@mk': true } });
    const all = await rows();
    deepEqual(
      all.filter((row) => row.includes(' e')),
      ['claude-code efile', 'claude-code einline'],
    );
  });

  it('an extension that a project switches on again is on', async () => {
    const rules = { qext: { overrides: [`!${tree.home}/*`, `${tree.project}/*`] } };
    tree.write('home/.qwen/extensions/extension-enablement.json', rules);
    deepEqual(
      (await rows()).filter((row) => row.startsWith('qwen')),
      ['qwen qonsrv', 'qwen qsrv'],
    );
  });

  it('a manifest leads to no file outside of its plugin', async () => {
    tree.write('home/outside.json', { mcpServers: { outside: { command: 'node' } } });
    const mcpServers = ['../../../outside.json', join(tree.home, 'outside.json')];
    tree.write('home/claude-market/plugs/b/.claude-plugin/plugin.json', { name: 'b', mcpServers });
    deepEqual(
      (await rows()).filter((row) => row.startsWith('claude-code') && !row.endsWith('off')),
      ['claude-code asrvlive'],
    );
  });
});
