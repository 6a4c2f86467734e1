// The package, made by vsce and installed by VS Code's own installer, in the oldest supported and in the newest VS Code.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { current, floor } from '../../scripts/editor/editorVersion.ts';
import { installEditor } from '../../scripts/editor/installEditor.ts';
import { readManifest } from '../../scripts/editor/stageExtension.ts';
import { packVsix } from '../../scripts/system/packVsix.ts';
import { run } from '../process/package/command.ts';
import { openWorkbench } from './openWorkbench.ts';

describe('The package', function () {
  this.timeout(180_000);
  let folder = '';
  let vsix = '';

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vsix-'));
    vsix = join(folder, 'mcp-shepherd.vsix');
    await packVsix(vsix);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const version of [floor, current]) {
    it(`installs in VS Code ${version.vscode} and shows its status bar item there`, async () => {
      const editor = await installEditor(version);
      const workbench = await openWorkbench({
        version,
        bare: true,
        prepare: async ({ extensionsDir, dataDir, home }) => {
          const options = ['--extensions-dir', extensionsDir, '--server-data-dir', dataDir, '--accept-server-license-terms'];
          await run(editor.node, [editor.serverMain, '--install-extension', vsix, ...options], {
            cwd: home,
            env: { ...process.env, HOME: home },
          });
          const { publisher, name, version: own } = readManifest();
          assert.ok(readdirSync(extensionsDir).includes(`${publisher}.${name}-${own}`), readdirSync(extensionsDir).join(', '));
        },
      });
      try {
        await workbench.statusItem('servers').waitFor({ timeout: 60_000 });
      } finally {
        await workbench.close();
      }
    });
  }
});
