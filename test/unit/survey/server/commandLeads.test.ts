// An old version that a client keeps in its memory; the layouts are made by hand.
import { deepEqual, match } from 'node:assert/strict';
import { chmodSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, it } from 'mocha';
import type { Instance } from '../../../../src/model/snapshot.ts';
import type { Tree } from '../../package/tree.ts';
import { HandMadeScan, node, release, script, stale } from './handMadeScan.ts';

describe('what the client itself starts again', () => {
  const scan = new HandMadeScan();
  const { at, write, entries, observe, look, verdict } = scan;

  const cure = ({ findings }: Instance): unknown[] =>
    findings
      .filter(({ kind }) => kind === 'stale')
      .map(({ subKind, confidence, actions }) => [subKind, confidence, actions.map((action) => ('held' in action ? 'held' : action.kind))]);

  it('an extension of VS Code: Reload Window', async () => {
    const extensions = '.vscode/extensions';
    const list = (version: string): Tree => ({
      [`${extensions}/extensions.json`]: [{ identifier: { id: 'acme.tiny-mcp' }, relativeLocation: `acme.tiny-mcp-${version}` }],
    });
    write({ ...release(`${extensions}/acme.tiny-mcp-1.0.0`, '1.0.0'), ...list('1.0.0') });
    const argv = [node, at(extensions, 'acme.tiny-mcp-1.0.0/server.js')];
    await observe({ argv, cwd: scan.tree.root });
    deepEqual(await verdict(), ['1.0.0', '1.0.0', []]);
    write({ ...release(`${extensions}/acme.tiny-mcp-1.1.0`, '1.1.0'), ...list('1.1.0') });
    deepEqual(await verdict(), ['1.0.0', '1.1.0', stale]);
    deepEqual(cure(await look()), [['replaced-beside', 'proven', ['held']]]);
    rmSync(at(extensions, 'acme.tiny-mcp-1.0.0'), { recursive: true });
    deepEqual(await verdict(), ['1.0.0', '1.1.0', stale], 'VS Code removed the old folder');
  });

  it('a package in an extension of VS Code, whose old folder was removed before the first look: Reload Window', async () => {
    const extensions = '.vscode/extensions';
    const place = (version: string): string => `${extensions}/acme.tools-${version}-universal`;
    write({
      ...release(`${place('1.1.0')}/node_modules/tiny-mcp`, '1.1.0'),
      [`${extensions}/extensions.json`]: [{ identifier: { id: 'acme.tools' }, relativeLocation: 'acme.tools-1.1.0-universal' }],
    });
    await observe({ argv: [node, at(place('1.0.0'), script)], cwd: scan.tree.root });
    deepEqual((await verdict()).slice(1), ['1.1.0', ['stale/replaced-beside/likely']]);
    deepEqual(cure(await look()), [['replaced-beside', 'likely', ['held']]]);
  });

  it('a plugin of Claude Code without a package.json: a new session', async () => {
    const plugins = 'home/.claude/plugins';
    const cache = `${plugins}/cache/market/tiny-mcp`;
    const list = (version: string): Tree => ({
      [`${plugins}/installed_plugins.json`]: {
        version: 2,
        plugins: { 'tiny-mcp@market': [{ scope: 'user', installPath: at(cache, version), version }] },
      },
    });
    write({ [`${cache}/1.0.0/servers/tiny-mcp.js`]: '', ...list('1.0.0') });
    await observe({ argv: [node, at(cache, '1.0.0/servers/tiny-mcp.js')], cwd: scan.tree.root });
    deepEqual(cure(await look()), []);
    write({ [`${cache}/1.1.0/servers/tiny-mcp.js`]: '', ...list('1.1.0') });
    const found = await look();
    deepEqual(cure(found), [['replaced-beside', 'proven', ['held']]]);
    deepEqual([found.package?.running, found.package?.installed], ['1.0.0', '1.1.0']);
    match(JSON.stringify(found.findings[0]?.actions), /Claude Code session/);
  });

  it('a plugin of Claude Code whose entry starts Node with a file of the plugin: a new session', async () => {
    const plugins = 'home/.claude/plugins';
    const cache = `${plugins}/cache/market/tiny-mcp`;
    const version = (name: string): Tree => ({
      ...release(`${cache}/${name}`, name),
      [`${cache}/${name}/.mcp.json`]: { mcpServers: { tiny: { command: 'node', args: ['${CLAUDE_PLUGIN_ROOT}/server.js'] } } },
      [`${plugins}/installed_plugins.json`]: {
        version: 2,
        plugins: { 'tiny-mcp@market': [{ scope: 'user', installPath: at(cache, name), version: name }] },
      },
    });
    write(version('1.0.0'));
    await observe({ argv: [node, at(cache, '1.0.0/server.js')], cwd: scan.tree.root });
    deepEqual(await verdict(), ['1.0.0', '1.0.0', []]);
    write(version('1.1.0'));
    const found = await look();
    deepEqual(cure(found), [['replaced-beside', 'proven', ['held']]]);
    deepEqual([found.package?.running, found.package?.installed], ['1.0.0', '1.1.0']);
    rmSync(at(cache, '1.0.0'), { recursive: true });
    deepEqual(await verdict(), ['1.0.0', '1.1.0', stale], 'Claude Code removed the old folder');
  });

  it('an extension of Claude Desktop: replaced in its own folder, so that the step of Claude Desktop starts the new one', async () => {
    const folder = 'home/.config/Claude/Claude Extensions/local.mcpb.acme.tiny-mcp';
    const bundle = (version: string): Tree => ({
      [`${folder}/manifest.json`]: {
        manifest_version: '0.3',
        name: 'tiny-mcp',
        version,
        server: { type: 'node', entry_point: 'server/index.js', mcp_config: { command: 'node', args: ['${__dirname}/server/index.js'] } },
      },
      [`${folder}/package.json`]: { name: 'tiny-mcp', version },
      [`${folder}/server/index.js`]: `console.log('${version}');\n`,
    });
    write(bundle('1.0.0'));
    await observe({ argv: [node, at(folder, 'server/index.js')], client: 'claude-desktop', cwd: scan.tree.root });
    const before = await look();
    deepEqual([before.definitions.length, before.unknown, cure(before)], [1, undefined, []]);
    rmSync(at(folder), { recursive: true });
    write(bundle('1.1.0'));
    const found = await look();
    deepEqual(cure(found), [['package', 'proven', ['manual', 'reveal']]]);
    match(JSON.stringify(found.findings[0]?.actions), /Quit Claude Desktop/);
  });

  it('an entry whose script the client fills in: what its process names is followed', async () => {
    write(release('srv', '1.0.0'));
    entries(['node', '${input:where}/server.js']);
    await observe({ argv: [node, at('srv/server.js')], cwd: scan.tree.root });
    const { definitions, unknown, package: own } = await look();
    deepEqual([definitions.length, unknown, own?.running, own?.installed], [1, undefined, '1.0.0', '1.0.0']);
  });

  it('nvm: a default that moved after the client started', async () => {
    const global = (node: string, version: string): Tree => ({
      [`.nvm/versions/node/${node}/bin/tiny-mcp`]: { link: '../lib/node_modules/tiny-mcp/server.js' },
      ...release(`.nvm/versions/node/${node}/lib/node_modules/tiny-mcp`, version),
      [`.nvm/versions/node/${node}/lib/node_modules/tiny-mcp/server.js`]: '#!/usr/bin/env node\n',
    });
    write({ ...global('v20.1.0', '1.0.0'), ...global('v22.1.0', '1.1.0'), '.nvm/alias/default': '20\n' });
    for (const version of ['v20.1.0', 'v22.1.0']) {
      chmodSync(at(`.nvm/versions/node/${version}/lib/node_modules/tiny-mcp/server.js`), 0o755);
    }
    entries(['tiny-mcp']);
    const program = at('.nvm/versions/node/v20.1.0/bin/tiny-mcp');
    const env = { PATH: `${dirname(program)}:/bin` };
    await observe({ argv: [node, program], cwd: scan.tree.root, env });
    const before = await look();
    deepEqual([before.definitions.length, before.package?.running, cure(before)], [1, '1.0.0', []]);
    write({ '.nvm/alias/default': '22\n' });
    deepEqual(cure(await look()), [], 'the client started after this change');
    scan.startedAt = Date.now() - 1_000;
    await observe({ argv: [node, program], cwd: scan.tree.root, env });
    const after = await look();
    deepEqual(cure(after), [['replaced-beside', 'likely', ['held']]]);
    deepEqual([after.package?.running, after.package?.installed], ['1.0.0', '1.1.0']);
    match(JSON.stringify(after.findings[0]?.actions), /Quit Claude Code/);
  });
});
