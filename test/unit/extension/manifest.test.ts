import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { contextFlags } from '../../../src/extension/display/treeNode.ts';
import { commands, contextKeys, settings, viewContainer, views } from '../../../src/extension/manifestNames.ts';
import { assertNames } from '../../names.ts';

const root = join(import.meta.dirname, '../../..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const { contributes } = manifest;

interface MenuItem {
  readonly command: string;
  readonly when?: string;
  readonly group?: string;
}
const menus = Object.entries(contributes.menus) as [string, MenuItem[]][];
const items = menus.flatMap(([, list]) => list);

describe('Manifest and code', () => {
  it('have the same commands, each with title and category', () => {
    const declared = contributes.commands.map((item: { command: string }) => item.command);
    assert.deepEqual([...declared].sort(), Object.values(commands).sort());
    for (const item of contributes.commands) {
      assert.ok(item.title, `${item.command} has no title`);
      assert.equal(item.category, 'MCP Shepherd');
    }
  });

  it('have menus of existing commands only', () => {
    const known = new Set<string>(Object.values(commands));
    for (const item of items) {
      assert.ok(known.has(item.command), `${item.command} is in a menu and not declared`);
    }
  });

  it('hide from the palette what needs a row, and nothing else', () => {
    const hidden = contributes.menus.commandPalette.filter((item: MenuItem) => item.when === 'false').map((item: MenuItem) => item.command);
    const {
      fixProblems,
      restartServer,
      restartAllStale,
      upgradeServer,
      killDuplicatesAndOrphans,
      showServers,
      refresh,
      showLog,
      launchThroughGuard,
      launchDirectly,
      showOnlyProblems,
      showAllServers,
      groupServers,
      ...rowCommands
    } = commands;
    assert.deepEqual([...hidden].sort(), Object.values(rowCommands).sort());
    const shownCommands = [
      ...[fixProblems, restartServer, restartAllStale, upgradeServer, killDuplicatesAndOrphans, showServers, refresh, showLog],
      ...[launchThroughGuard, launchDirectly, showOnlyProblems, showAllServers, groupServers],
    ];
    for (const shown of shownCommands) {
      assert.ok(!hidden.includes(shown));
    }
  });

  it('use known views, keys and flags alone in their conditions', () => {
    const welcome = contributes.viewsWelcome as { view: string; when?: string; contents: string }[];
    const flags = new Set(
      [true, false].flatMap((one) =>
        contextFlags({
          kind: 'instance',
          ...{ running: true, restartable: one, stale: true, upgradable: true, configured: true },
          guard: one ? 'guardable' : 'guarded',
          fix: one ? 'stoppable' : 'stepwise',
          ...{ startable: true, ignorable: true, ignored: true, muted: true },
        }).split(';'),
      ),
    );
    const keys = new Set<string>(Object.values(contextKeys));
    for (const when of [...items, ...welcome].flatMap((item) => item.when ?? [])) {
      for (const [, view] of when.matchAll(/view == ([\w.]+)/g)) {
        assert.equal(view, views.servers);
      }
      for (const [key] of when.replace(/view == [\w.]+/g, '').matchAll(/mcpShepherd\.\w+/g)) {
        assert.ok(keys.has(key), `${key} is asked for and never set`);
      }
      for (const [, flag] of when.matchAll(/\\b(\w+)\\b/g)) {
        assert.ok(flags.has(flag ?? ''), `${flag} is asked for and never given to a row`);
      }
      const rest = when.replace(/view == [\w.]+|viewItem =~ \/\\b\w+\\b\/|!?mcpShepherd\.\w+|&&|\bfalse\b/g, '').trim();
      assert.equal(rest, '', `"${when}" asks for something that this test does not know`);
    }
    for (const key of keys) {
      assert.ok(
        [...items, ...welcome].some((item) => item.when?.includes(key)),
        `${key} is set and never asked for`,
      );
    }
    for (const item of welcome) {
      assert.equal(item.view, views.servers);
    }
  });

  it('link only to commands that exist', () => {
    const known = new Set<string>([...Object.values(commands), 'workbench.mcp.addConfiguration']);
    for (const item of contributes.viewsWelcome as { contents: string }[]) {
      for (const [, command] of item.contents.matchAll(/\(command:([\w.]+)/g)) {
        assert.ok(known.has(command ?? ''), `${command} does not exist`);
      }
    }
  });

  it('have the same view in the same container, with pictures that exist', () => {
    assert.deepEqual(Object.keys(contributes.views), [viewContainer]);
    assert.deepEqual(
      contributes.views[viewContainer].map((view: { id: string }) => view.id),
      Object.values(views),
    );
    const [container] = contributes.viewsContainers.activitybar;
    assert.equal(container.id, viewContainer);
    for (const picture of [container.icon, contributes.views[viewContainer][0].icon, manifest.icon]) {
      assert.ok(existsSync(join(root, picture)), `${picture} is missing`);
    }
    assertNames(manifest.icon, '.png');
  });

  it('have the same settings, each described', () => {
    const declared = contributes.configuration.properties as Record<string, { description?: string; markdownDescription?: string }>;
    assert.deepEqual(Object.keys(declared).sort(), Object.values(settings).sort());
    for (const [name, setting] of Object.entries(declared)) {
      assert.ok((setting.markdownDescription ?? setting.description ?? '').length > 20, `${name} has no description`);
    }
  });

  it('write names of commands, keys and settings in one place only', () => {
    const folder = join(root, 'src/extension');
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
      (name) => name.endsWith('.ts') && name !== 'manifestNames.ts',
    )) {
      const found = /['"`]mcpShepherd\.[^'"`]*/.exec(readFileSync(join(folder, file), 'utf8'));
      assert.equal(found, null, `${file} writes ${found?.[0]} instead of taking it from manifestNames.ts`);
    }
  });

  it('keep activation and trust as they are promised', () => {
    assert.deepEqual(manifest.activationEvents, ['onStartupFinished']);
    assert.equal(manifest.capabilities.untrustedWorkspaces.supported, 'limited');
    assert.ok(manifest.capabilities.untrustedWorkspaces.description.length > 40);
  });
});
