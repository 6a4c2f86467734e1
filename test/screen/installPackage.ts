import assert from 'node:assert/strict';
import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { EditorVersion } from '../../scripts/editor/editorVersion.ts';
import { installEditor } from '../../scripts/editor/installEditor.ts';
import { readManifest, stageExtension } from '../../scripts/editor/stageExtension.ts';
import { packVsix } from '../../scripts/system/packVsix.ts';
import { projectRoot } from '../../scripts/system/projectPaths.ts';
import { run } from '../process/package/command.ts';
import { keptFolder } from '../process/package/testCache.ts';
import type { WorkbenchPlaces } from './openWorkbench.ts';

/** Installs the package, made once per run by vsce, with VS Code's own installer: the `prepare` of a bare workbench. */
export async function installPackage(version: EditorVersion, { extensionsDir, dataDir, home }: WorkbenchPlaces): Promise<void> {
  const kept = await keptFolder('vsix', async (folder) => {
    const files = stageExtension(join(folder, 'files'));
    cpSync(join(projectRoot, '.vscodeignore'), join(files, '.vscodeignore'));
    await packVsix(join(folder, 'mcp-shepherd.vsix'), files);
  });
  const editor = await installEditor(version);
  const options = ['--extensions-dir', extensionsDir, '--server-data-dir', dataDir, '--accept-server-license-terms'];
  await run(editor.node, [editor.serverMain, '--install-extension', join(kept, 'mcp-shepherd.vsix'), ...options], {
    cwd: home,
    env: { ...process.env, HOME: home },
  });
  const { publisher, name, version: own } = readManifest();
  assert.ok(readdirSync(extensionsDir).includes(`${publisher}.${name}-${own}`), readdirSync(extensionsDir).join(', '));
}
