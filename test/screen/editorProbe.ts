import { existsSync, readFileSync } from 'node:fs';
import { writeExtension } from '../../scripts/editor/writeExtension.ts';
import { waitFor } from '../../scripts/system/waitFor.ts';

/** A second extension, which calls VS Code's commands and tools for a test and returns the results. */
const main = `
const { createServer } = require('node:http');
const { writeFileSync } = require('node:fs');
const vscode = require('vscode');
const calls = {
  command: ({ name, args }) => vscode.commands.executeCommand(name, ...args),
  tools: async () => vscode.lm.tools.map((tool) => tool.name),
  tool: async ({ name, input }) => {
    const answer = await vscode.lm.invokeTool(name, { input, toolInvocationToken: undefined });
    return answer.content.map((part) => part.value).join('');
  },
};
exports.activate = () => {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => { body += part; });
    request.on('end', async () => {
      try {
        const { call, ...values } = JSON.parse(body);
        response.end(JSON.stringify({ result: (await calls[call](values)) ?? null }));
      } catch (error) {
        response.end(JSON.stringify({ error: String(error) }));
      }
    });
  });
  server.listen(0, '127.0.0.1', () => writeFileSync(process.env.EDITOR_PROBE_FILE, String(server.address().port)));
};`;

/** Variable that names the file into which the extension writes its port. */
export const probeVariable = 'EDITOR_PROBE_FILE';

/** Installs it; the editor needs `probeVariable` in its environment. */
export function installProbe(extensionsDir: string): void {
  const manifest = { capabilities: { untrustedWorkspaces: { supported: true } } };
  writeExtension(extensionsDir, { publisher: 'test', name: 'probe', main, manifest });
}

/** The port that the extension has written into a file; undefined while there is none, also between the making of the file and the writing. */
export function probePort(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') || undefined : undefined;
}

/** Talks to the extension in the window that started last. */
export class EditorProbe {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** @throws what the call threw inside the editor */
  async #ask(body: object): Promise<unknown> {
    const port = await waitFor('the probe extension', () => probePort(this.#file));
    const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: JSON.stringify(body) });
    const { result, error }: { result?: unknown; error?: string } = JSON.parse(await response.text());
    if (error !== undefined) {
      throw new Error(error);
    }
    return result;
  }

  async command(name: string, ...args: readonly unknown[]): Promise<unknown> {
    return this.#ask({ call: 'command', name, args });
  }

  /** Calls an MCP tool through VS Code. @param suffix the end of its name */
  async tool(suffix: string, input: object): Promise<string> {
    const name = await waitFor(`the tool ${suffix}`, async () => {
      const names = (await this.#ask({ call: 'tools' })) as string[];
      return names.find((one) => one.endsWith(suffix));
    });
    return String(await this.#ask({ call: 'tool', name, input }));
  }

  /** Starts a server with VS Code's MCP client, which ignores ids until it has read its configuration some time after the window has opened. */
  async start(id: string, tool: string): Promise<void> {
    await waitFor(
      `${id} to run`,
      async () => {
        await this.command('workbench.mcp.startServer', id, { waitForLiveTools: true });
        const names = (await this.#ask({ call: 'tools' })) as string[];
        return names.some((name) => name.endsWith(tool));
      },
      { limit: 60_000 },
    );
  }
}
