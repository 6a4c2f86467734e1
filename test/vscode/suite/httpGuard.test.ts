import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import { assertNames } from '../../names.ts';
import { until } from '../../until.ts';

const id = 'mcp.config.ws0.guarded';
const extensionId = 'mcp-shepherd.mcp-shepherd';

describe('guard --http under VS Code’s own MCP client', function () {
  this.timeout(120_000);
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '';
  const settings = join(folder, '.vscode/mcp.json');
  const main = join(folder, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js');
  const children: ChildProcess[] = [];
  let root: string;
  let original: string;
  let serverPort: number;
  let origin: string;
  let server: ChildProcess;

  /** Starts a Node program with the executable that runs extensions. */
  function start(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): { readonly child: ChildProcess; readonly said: () => string } {
    const child = spawn(process.execPath, [...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1', MCP_RUN_DIR: join(root, 'run'), ...env },
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
    }
    children.push(child);
    return { child, said: () => text };
  }

  async function startServer(): Promise<ChildProcess> {
    const { child, said } = start([main, 'streamableHttp'], { PORT: String(serverPort) });
    await until('the server to listen', () => /listening on port/i.test(said()));
    return child;
  }

  async function end(child: ChildProcess): Promise<void> {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await exited;
    }
  }

  function keptSessions(): readonly string[] {
    return readdirSync(join(root, 'run/shepherd/sessions')).sort();
  }

  async function health(): Promise<{ readonly open: number; readonly recovered: number }> {
    const answer = (await (await fetch(`${origin}/health`)).json()) as {
      readonly sessions: { readonly open: number; readonly recovered: number };
    };
    return answer.sessions;
  }

  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'http-guard-'));
    serverPort = await freePort();
    server = await startServer();
    const extension = vscode.extensions.getExtension(extensionId);
    assert.ok(extension, 'our extension is there');
    const guard = start([
      join(extension.extensionPath, 'dist/guard.cjs'),
      '--http',
      '--listen',
      '0',
      '--upstream',
      `http://127.0.0.1:${serverPort}`,
    ]);
    origin = await until('the guard to listen', () => /listening on (http:\S+?),/.exec(guard.said())?.[1]);
    original = readFileSync(settings, 'utf8');
    const { servers } = JSON.parse(original);
    writeFileSync(settings, JSON.stringify({ servers: { ...servers, guarded: { type: 'http', url: `${origin}/mcp` } } }, undefined, 2));
  });

  after(async () => {
    await vscode.commands.executeCommand('workbench.mcp.stopServer', id);
    if (original !== undefined) {
      writeFileSync(settings, original);
    }
    await Promise.all(children.map(end));
    rmSync(root, { recursive: true, force: true });
  });

  it('D1: its session goes on after the server was killed and restarted on the same port, twice', async () => {
    const known = new Set(vscode.lm.tools.map(({ name }) => name));
    const tool = await until('the tools of the server', async () => {
      await vscode.commands.executeCommand('workbench.mcp.startServer', id, { waitForLiveTools: true, autoTrustChanges: true });
      return vscode.lm.tools.find(({ name }) => !known.has(name) && name.endsWith('_echo'))?.name;
    });
    const echo = async (message: string): Promise<string> => {
      const result = await vscode.lm.invokeTool(tool, { input: { message }, toolInvocationToken: undefined });
      return result.content.map((part) => (part instanceof vscode.LanguageModelTextPart ? part.value : '')).join('');
    };
    assertNames(await echo('before'), 'Echo: before');
    const restarted = async (round: string): Promise<readonly string[]> => {
      await end(server);
      server = await startServer();
      assertNames(await echo(`${round} call`), `Echo: ${round} call`);
      assertNames(await echo(`${round} call again`), `Echo: ${round} call again`);
      return keptSessions();
    };
    // VS Code may begin several sessions while it starts the server; each has a file, also an ended one. The last of them may come only after the first restart.
    const begun = await restarted('first');
    assert.ok((await health()).recovered >= 1);
    // The guard recovered the session after each restart; VS Code began no other one.
    assert.deepEqual(await restarted('second'), begun);
    assert.ok((await health()).recovered >= 2);
  });
});

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
