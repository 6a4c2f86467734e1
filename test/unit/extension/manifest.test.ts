import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { readManifestTexts, withTexts } from '../../../scripts/system/manifestTexts.ts';
import { notificationKinds, usualNotificationKinds } from '../../../src/extension/display/announcements.ts';
import { contextFlags } from '../../../src/extension/display/treeNode.ts';
import { commands, contextKeys, previewScheme, settings, viewContainer, views } from '../../../src/extension/manifestNames.ts';
import { agentTools } from '../../../src/mcp/agentTools.ts';
import { assertNames } from '../../names.ts';

const root = join(import.meta.dirname, '../../..');
const manifest = withTexts(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')), readManifestTexts());
const { contributes } = manifest;

interface MenuItem {
  readonly command: string;
  readonly when?: string;
  readonly group?: string;
}
const menus = Object.entries(contributes.menus) as [string, MenuItem[]][];
const items = menus.flatMap(([, list]) => list);

interface WalkthroughStep {
  readonly description: string;
  readonly when?: string;
  readonly media: { readonly image?: Readonly<Record<string, string>>; readonly svg?: string; readonly altText: string };
  readonly completionEvents: readonly string[];
}
const walkthrough: { readonly id: string; readonly steps: readonly WalkthroughStep[] } = contributes.walkthroughs[0];

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

  it('have the same tools for language models, with the same texts and arguments', () => {
    const declared = contributes.languageModelTools.map(
      ({ name, displayName, modelDescription, inputSchema }: Record<string, unknown>) => ({
        name,
        displayName,
        modelDescription,
        inputSchema,
      }),
    );
    assert.deepEqual(
      declared,
      Object.values(agentTools).map(({ name, title, description, inputSchema }) => ({
        name,
        displayName: title,
        modelDescription: description,
        inputSchema,
      })),
    );
  });

  it('hide from the palette what needs a row, and nothing else', () => {
    const hidden = contributes.menus.commandPalette.filter((item: MenuItem) => item.when === 'false').map((item: MenuItem) => item.command);
    const {
      fixProblems,
      restartServer,
      restartAllStale,
      upgradeServer,
      killDuplicatesAndOrphans,
      stopCopies,
      showServers,
      refresh,
      showLog,
      launchThroughGuard,
      launchDirectly,
      showOnlyProblems,
      showAllServers,
      groupServers,
      writeChange,
      discardChange,
      ...rowCommands
    } = commands;
    assert.deepEqual([...hidden].sort(), Object.values(rowCommands).sort());
    const shownCommands = [
      ...[fixProblems, restartServer, restartAllStale, upgradeServer, killDuplicatesAndOrphans, stopCopies, showServers],
      ...[refresh, showLog, launchThroughGuard, launchDirectly, showOnlyProblems, showAllServers, groupServers, writeChange, discardChange],
    ];
    for (const shown of shownCommands) {
      assert.ok(!hidden.includes(shown));
    }
  });

  it('offer each button of a row in its menu, too, which a keyboard reaches', () => {
    const row: MenuItem[] = contributes.menus['view/item/context'];
    const inline = row.filter(({ group }) => group?.startsWith('inline'));
    const inMenu = new Set(row.filter(({ group }) => !group?.startsWith('inline')).map(({ command }) => command));
    assert.ok(inline.length > 5);
    assert.deepEqual(
      inline.filter(({ command }) => !inMenu.has(command)),
      [],
    );
  });

  it('use known views, keys and flags alone in their conditions', () => {
    const welcome = contributes.viewsWelcome as { view: string; when?: string; contents: string }[];
    const flags = new Set(
      (['stoppable', 'stepwise', 'surplus'] as const).flatMap((fix, at) =>
        contextFlags({
          kind: 'instance',
          ...{ running: true, restartable: at === 0, output: true, stale: true, upgradable: true, configured: true },
          guard: at === 0 ? 'guardable' : 'guarded',
          ...{ start: at === 0 ? 'lazyable' : 'lazy', unused: true },
          fix,
          ...{ startable: true, ignorable: true, ignored: true, muted: true },
        }).split(';'),
      ),
    );
    const keys = new Set<string>(Object.values(contextKeys));
    const asking: { readonly when?: string }[] = [...items, ...welcome, ...walkthrough.steps];
    for (const when of asking.flatMap((item) => item.when ?? [])) {
      for (const [, view] of when.matchAll(/view == ([\w.]+)/g)) {
        assert.equal(view, views.servers);
      }
      for (const [key] of when.replace(/view == [\w.]+/g, '').matchAll(/mcpShepherd\.\w+/g)) {
        assert.ok(keys.has(key), `${key} is asked for and never set`);
      }
      for (const [, flag] of when.matchAll(/\\b(\w+)\\b/g)) {
        assert.ok(flags.has(flag ?? ''), `${flag} is asked for and never given to a row`);
      }
      const rest = when
        .replace(`resourceScheme == ${previewScheme}`, '')
        .replace(/view == [\w.]+|viewItem =~ \/\\b\w+\\b\/|!?mcpShepherd\.\w+|&&|\bfalse\b/g, '')
        .trim();
      assert.equal(rest, '', `"${when}" asks for something that this test does not know`);
    }
    for (const key of keys) {
      assert.ok(
        asking.some((item) => item.when?.includes(key)),
        `${key} is set and never asked for`,
      );
    }
    for (const item of welcome) {
      assert.equal(item.view, views.servers);
    }
  });

  it('link only to commands that exist', () => {
    const known = new Set<string>([
      ...Object.values(commands),
      ...['workbench.mcp.addConfiguration', 'workbench.action.openWalkthrough', 'workbench.action.openSettings'],
    ]);
    const welcome = (contributes.viewsWelcome as { contents: string }[]).map(({ contents }) => contents);
    const texts = [...welcome, ...walkthrough.steps.flatMap(({ description, completionEvents }) => [description, ...completionEvents])];
    for (const text of texts) {
      for (const [, command] of text.matchAll(/(?:\(command|^onCommand):([\w.]+)/g)) {
        assert.ok(known.has(command ?? ''), `${command} does not exist`);
      }
    }
    const address = encodeURIComponent(JSON.stringify(`${manifest.publisher}.${manifest.name}#${walkthrough.id}`));
    assertNames(welcome.join('\n'), `workbench.action.openWalkthrough?${address}`);
  });

  it('begin the walkthrough with what needs attention, and have pictures of each step for every kind of theme', () => {
    assert.equal(walkthrough.steps[0]?.when, contextKeys.needsAttention);
    for (const { media } of walkthrough.steps) {
      const pictures = media.svg === undefined ? Object.values(media.image ?? {}) : [media.svg];
      assert.equal(pictures.length, media.svg === undefined ? 4 : 1);
      for (const picture of pictures) {
        assert.ok(existsSync(join(root, picture)), `${picture} is missing`);
      }
      assert.ok(media.altText.length > 10);
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

  it('offer every kind of notification, with the same default', () => {
    const declared = contributes.configuration.properties[settings.notificationKinds];
    const usual = Object.keys(notificationKinds).map((kind) => [kind, usualNotificationKinds.some((one) => one === kind)]);
    assert.deepEqual(declared.default, Object.fromEntries(usual));
    assert.deepEqual(
      Object.entries<{ default: boolean }>(declared.properties).map(([kind, property]) => [kind, property.default]),
      usual,
    );
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

  it('are not changed by a workspace: those that decide what is found, asked or restarted by none, the others by none in Restricted Mode', () => {
    const own = Object.entries<{ scope: string }>(manifest.contributes.configuration.properties).filter(
      ([, { scope }]) => scope !== 'machine',
    );
    assert.deepEqual(
      own.map(([name]) => name),
      manifest.capabilities.untrustedWorkspaces.restrictedConfigurations,
    );
    assert.deepEqual(
      own.map(([name]) => name.replace(/^mcpShepherd\./, '')),
      ['notifications', 'notificationKinds', 'statusBar.showWhenCurrent'],
    );
  });

  it('keep activation and trust as they are promised', () => {
    assert.deepEqual(manifest.activationEvents, ['onStartupFinished']);
    assert.equal(manifest.capabilities.untrustedWorkspaces.supported, 'limited');
    assert.ok(manifest.capabilities.untrustedWorkspaces.description.length > 40);
  });
});
