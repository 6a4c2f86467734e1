import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { clientByEnvironment, familyOf, isAmbiguousHost, isTerminalHost, recogniseClient } from '../../../src/clients/recogniseClient.ts';
import { row } from '../../fixtures/argv/processRows.ts';
import { hangMs, processorTime } from '../processorTime.ts';

/** Command lines as the clients' processes show them; one text = the system gives one string. */
const clients: readonly (readonly [string, readonly string[] | string])[] = [
  ['claude-code', ['claude']],
  ['claude-code', ['claude', '--resume', 'x']],
  ['claude-code', ['/home/u/.local/share/claude/versions/2.1.329', '--print']],
  ['claude-code', ['/home/u/.local/bin/claude', 'mcp', 'list']],
  ['claude-code', ['node', '/usr/lib/node_modules/@anthropic-ai/claude-code/cli.js', '-p', 'x']],
  ['claude-code', ['node', '--max-old-space-size=8192', '/usr/local/bin/claude']],
  [
    'claude-code',
    ['/home/u/.vscode/extensions/anthropic.claude-code-2.1.0/resources/native-binary/claude', '--output-format', 'stream-json'],
  ],
  ['claude-code', '/Users/u/Library/Application Support/Claude/claude-code/2.1.0/claude.app/Contents/MacOS/claude --session x'],
  ['claude-code', ['C:\\Users\\u\\.local\\bin\\claude.exe']],
  ['claude-desktop', '/Applications/Claude.app/Contents/MacOS/Claude'],
  ['claude-desktop', ['C:\\Users\\u\\AppData\\Local\\AnthropicClaude\\app-1.1.0\\claude.exe']],
  ['claude-desktop', ['C:\\Program Files\\WindowsApps\\Claude_1.4758.0.0_x64__pzs8sxrjxfjjc\\app\\claude.exe']],
  ['claude-desktop', ['/usr/lib/claude-desktop/electron', '/usr/lib/claude-desktop/app.asar']],
  ['codex', ['codex']],
  ['codex', ['/usr/lib/node_modules/@openai/codex/vendor/x86_64-unknown-linux-musl/codex/codex', 'app-server']],
  ['codex', ['node', '/usr/local/bin/codex']],
  ['cursor', ['/usr/share/cursor/cursor', '/usr/share/cursor/resources/app/out/vs/code/node/mcpProcessMain.js']],
  [
    'cursor',
    ['/home/u/.cursor-server/bin/1/node', '/home/u/.cursor-server/bin/1/out/bootstrap-fork', '--type=extensionHost', '--transformURIs'],
  ],
  [
    'vscode',
    [
      '/home/u/.vscode-server/cli/servers/Stable-1/server/node',
      '/home/u/.vscode-server/cli/servers/Stable-1/server/out/bootstrap-fork',
      '--type=extensionHost',
      '--useHostProxy=false',
    ],
  ],
  [
    'vscode-insiders',
    ['/home/u/.vscode-server-insiders/bin/1/node', '/home/u/.vscode-server-insiders/bin/1/out/bootstrap-fork', '--type=extensionHost'],
  ],
  [
    'code-server',
    ['/usr/bin/node', '--dns-result-order=ipv4first', '/x/code-server/lib/vscode/out/bootstrap-fork', '--type=extensionHost'],
  ],
  ['vscodium', ['/usr/share/codium/codium', '--type=extensionHost']],
  [
    'vscode-agent-host',
    ['/usr/share/code/resources/app/node_modules/@github/copilot-sdk-linux-x64/prebuilds/linux-x64/copilot-runtime', '--x'],
  ],
  ['gemini', ['node', '/usr/local/bin/gemini']],
  ['gemini', ['/usr/bin/node', '--max-old-space-size=8192', '/usr/lib/node_modules/@google/gemini-cli/bundle/gemini.js']],
  ['qwen', ['node', '/usr/local/bin/qwen', '-p', 'x']],
  ['opencode', ['/home/u/.opencode/bin/opencode', 'serve']],
  ['opencode', ['/usr/lib/node_modules/opencode-ai/bin/.opencode']],
  ['kilo', ['/home/u/.vscode/extensions/kilocode.kilo-code-7.7.9/bin/kilo', 'serve']],
  ['mimo', ['/home/u/.local/bin/mimo', 'serve']],
  ['copilot-cli', ['copilot']],
  ['copilot-cli', ['node', '/usr/lib/node_modules/@github/copilot/npm-loader.js']],
  ['auggie', ['node', '/usr/local/bin/auggie']],
  ['amp', ['node', '/usr/lib/node_modules/@sourcegraph/amp/dist/main.js']],
  ['goose', ['goose', 'session']],
  ['zed', ['/usr/libexec/zed-editor', '.']],
  ['windsurf', ['/opt/windsurf/resources/app/extensions/windsurf/bin/language_server_linux_x64', '--api_server_url', 'x']],
];

const strangers: readonly (readonly string[])[] = [
  ['claude', 'mcp', 'serve'],
  ['codex', 'mcp-server'],
  ['goose', 'mcp', 'developer'],
  ['/Applications/Claude.app/Contents/Helpers/disclaimer', 'node', '/x/index.js'],
  ['/Applications/Claude.app/Contents/Frameworks/Claude Helper.app/Contents/MacOS/Claude Helper', '--type=renderer'],
  ['vim', '/home/u/claude'],
  ['node', '/home/u/claude-tools/index.js'],
  ['node', '/home/u/x/index.js', 'claude'],
  ['tail', '-f', '/home/u/.claude/log'],
  ['/usr/share/code/code', '--type=utility', '--utility-sub-type=node.mojom.NodeService'],
  ['/usr/bin/node', '/x/code-server/lib/vscode/out/bootstrap-fork', '--type=ptyHost'],
  ['/usr/bin/node', '/x/code-server/lib/vscode/out/bootstrap-fork', '--type=fileWatcher'],
  ['bash', '-c', 'claude -p x'],
  ['python', '/home/u/.local/bin/opencode_helper.py'],
  ['[kworker/0:1]'],
  [],
];

describe('client processes', () => {
  for (const [id, argv] of clients) {
    it(`knows ${id}: ${typeof argv === 'string' ? argv : argv.join(' ')}`, () => assert.equal(recogniseClient(row(10, 1, argv)), id));
  }
  for (const argv of strangers) {
    it(`does not take for a client: ${argv.join(' ')}`, () => assert.equal(recogniseClient(row(10, 1, argv)), undefined));
  }

  it('knows a client by its title', () => {
    assert.equal(recogniseClient({ ...row(10, 1, ['claude']), argvExact: false }), 'claude-code');
    assert.equal(recogniseClient(row(10, 1, ['claude mcp serve'])), undefined);
  });

  it('tells the hosts of VS Code that look all alike from those that do not', () => {
    const utility = row(10, 1, ['/usr/share/code/code', '--type=utility', '--utility-sub-type=node.mojom.NodeService', '--lang=en']);
    assert.ok(isAmbiguousHost(utility));
    assert.equal(familyOf(utility), 'vscode');
    assert.ok(!isAmbiguousHost(row(10, 1, ['/usr/share/code/code', '--type=utility', '--utility-sub-type=network.mojom.NetworkService'])));
    assert.ok(isTerminalHost(row(10, 1, ['node', 'bootstrap-fork', '--type=ptyHost'])));
    assert.equal(
      familyOf(
        row(
          10,
          1,
          '/Applications/Visual Studio Code - Insiders.app/Contents/Frameworks/Code - Insiders Helper (Plugin).app/Contents/MacOS/x --type=utility',
        ),
      ),
      'vscode-insiders',
    );
  });

  it('is not fooled by a project folder that has the name of an editor', () => {
    assert.equal(familyOf(row(10, 1, ['/usr/share/code/code', '--type=extensionHost', '--folder=/home/u/cursor/x'])), 'vscode');
    assert.equal(familyOf(row(10, 1, ['/home/u/cursor-rules/node', '--type=extensionHost'])), 'vscode');
  });

  it('survives long hostile lines', () => {
    const start = processorTime();
    for (const text of [' '.repeat(200_000), '/'.repeat(200_000), '/windsurf'.repeat(20_000), 'a/claude-code/'.repeat(15_000)]) {
      recogniseClient(row(10, 1, [text]));
      recogniseClient({ ...row(10, 1, ['x']), argvExact: false, commandLine: text });
      familyOf({ ...row(10, 1, ['x']), argvExact: false, commandLine: text });
    }
    assert.ok(processorTime() - start < hangMs, `took ${processorTime() - start} ms`);
  });
});

describe('clients by environment marks', () => {
  const marks: readonly (readonly [string | undefined, Record<string, string>])[] = [
    ['claude-code', { CLAUDECODE: '1' }],
    ['claude-code', { CLAUDE_PROJECT_DIR: '/x', VSCODE_ESM_ENTRYPOINT: 'vs/workbench/api/node/extensionHostProcess' }],
    ['gemini', { GEMINI_CLI: '1' }],
    ['qwen', { QWEN_CODE_NO_RELAUNCH: 'true', GEMINI_CLI: '1' }],
    ['opencode', { OPENCODE: '1', OPENCODE_PID: '7' }],
    ['kilo', { KILO: '1', OPENCODE: '1' }],
    ['copilot-cli', { COPILOT_AGENT_SESSION_ID: 'x' }],
    ['vscode', { VSCODE_ESM_ENTRYPOINT: 'vs/workbench/api/node/extensionHostProcess', VSCODE_PID: '1' }],
    ['cursor', { VSCODE_ESM_ENTRYPOINT: 'vs/code/node/mcpProcessMain' }],
    [
      'code-server',
      { VSCODE_ESM_ENTRYPOINT: 'vs/workbench/api/node/extensionHostProcess', VSCODE_NLS_CONFIG: '{"x":"/opt/code-server/lib/vscode/out"}' },
    ],
    ['vscode', { VSCODE_ESM_ENTRYPOINT: 'vs/workbench/api/node/extensionHostProcess', VSCODE_CWD: '/home/u/cursor' }],
    [undefined, { VSCODE_ESM_ENTRYPOINT: 'vs/platform/terminal/node/ptyHostMain' }],
    [undefined, { TERM_PROGRAM: 'vscode', VSCODE_GIT_IPC_HANDLE: '/x' }],
    [undefined, {}],
  ];
  for (const [id, environment] of marks) {
    it(`${Object.keys(environment).join(' ') || 'nothing'} → ${id}`, () => {
      assert.equal(
        clientByEnvironment(Object.keys(environment), (name) => environment[name]),
        id,
      );
    });
  }

  it('reads names alone', () => assert.equal(clientByEnvironment(['PATH', 'VSCODE_ESM_ENTRYPOINT']), 'vscode'));
});
