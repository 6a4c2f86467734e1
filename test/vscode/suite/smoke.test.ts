import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import { assertNames } from '../../names.ts';
import { until } from '../../until.ts';

type Manifest = {
  readonly name: string;
  readonly publisher: string;
  readonly contributes?: { readonly commands?: { readonly command: string }[] };
};

/** The extension under test is the one that was loaded for development. */
function ourExtension(): { extension: vscode.Extension<unknown>; manifest: Manifest } {
  const extension = vscode.extensions.getExtension('mcp-shepherd.mcp-shepherd');
  assert.ok(extension, 'the extension is not installed in this window');
  return { extension, manifest: JSON.parse(readFileSync(join(extension.extensionPath, 'package.json'), 'utf8')) };
}

describe('In a real VS Code', () => {
  it('the extension activates by itself', async () => {
    const { extension } = ourExtension();
    await until('activation', () => extension.isActive);
  });

  it('every command that the manifest declares is registered', async function () {
    const { extension, manifest } = ourExtension();
    const declared = (manifest.contributes?.commands ?? []).map((entry) => entry.command);
    if (declared.length === 0) {
      console.log('The manifest declares no commands yet.');
      this.skip();
    }
    await extension.activate();
    const registered = new Set(await vscode.commands.getCommands(true));
    assert.deepEqual(
      declared.filter((command) => !registered.has(command)),
      [],
    );
  });

  it("has VS Code's own commands for MCP servers", async () => {
    const commands = await vscode.commands.getCommands(true);
    for (const name of ['startServer', 'stopServer', 'restartServer', 'listServer']) {
      assert.ok(commands.includes(`workbench.mcp.${name}`), `workbench.mcp.${name} is missing`);
    }
  });

  it('the MCP client of VS Code starts a server from .vscode/mcp.json, and its tool answers', async function () {
    this.timeout(90_000);
    const id = 'mcp.config.ws0.everything';
    // autoTrustChanges: 1.103 asks before a start, and tests cannot show a dialog. The extension itself never passes it.
    const start = () => vscode.commands.executeCommand('workbench.mcp.startServer', id, { waitForLiveTools: true, autoTrustChanges: true });
    // The configuration is read after the window has opened; a start before that resolves and does nothing.
    const tool = await until('the tools of the server', async () => {
      await start();
      return vscode.lm.tools.find((entry) => /everything.*_echo$/.test(entry.name));
    });
    const answer = await vscode.lm.invokeTool(tool.name, { input: { message: 'baa' }, toolInvocationToken: undefined });
    const text = answer.content.map((part) => (part instanceof vscode.LanguageModelTextPart ? part.value : '')).join('');
    assertNames(text, 'baa');
  });
});
