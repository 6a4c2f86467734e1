import { join } from 'node:path';
import type { ClientRow, ConfigFiles } from './clientDescription.ts';
import { pathVariable, vscodeUserDirs } from './clientPaths.ts';

/** The root `.mcp.json`, which many clients read and Claude Code introduced. VS Code reads it in the workspace folder itself only. */
const dotMcp: ConfigFiles = {
  scope: 'workspace',
  format: 'dot-mcp',
  of: 'claude-code',
  vscodeCollection: 'folder-dot-mcp',
  at: { kind: 'folder', paths: ['.mcp.json'] },
};

/** Source: VS Code's `mcpWorkbenchService.ts`, `mcpWorkbenchManagementService.ts`, `workspaceDotMcpDiscovery.ts`, `mcpMigration.ts`. */
const files: readonly ConfigFiles[] = [
  { scope: 'user', format: 'vscode-mcp', vscodeCollection: 'user', at: { kind: 'user-dir', paths: ['mcp.json'] } },
  { scope: 'profile', format: 'vscode-mcp', vscodeCollection: 'user', at: { kind: 'user-dir', paths: ['profiles/*/mcp.json'] } },
  {
    scope: 'workspace',
    format: 'vscode-mcp',
    of: 'vscode',
    vscodeCollection: 'folder',
    at: { kind: 'folder', paths: ['.vscode/mcp.json'] },
  },
  dotMcp,
  { scope: 'workspace', format: 'vscode-workspace', of: 'vscode', vscodeCollection: 'workspace-file', at: { kind: 'workspace-file' } },
  { scope: 'user', format: 'vscode-settings', vscodeCollection: 'user', at: { kind: 'user-dir', paths: ['settings.json'] } },
  { scope: 'profile', format: 'vscode-settings', vscodeCollection: 'user', at: { kind: 'user-dir', paths: ['profiles/*/settings.json'] } },
];

const window = {
  files,
  copies: 'one',
  restartStep: 'In that window run “MCP: List Servers”, pick NAME and choose “Restart Server”.',
  sessionsAfterRestart: 'renewed',
} as const;

/** VS Code, its builds, and its Agent Host. */
export const vscodeClients: readonly ClientRow[] = [
  {
    ...window,
    id: 'vscode',
    name: 'VS Code',
    userDirs: (places) => {
      const portable = pathVariable(places, 'VSCODE_PORTABLE');
      return [
        ...vscodeUserDirs(places, ['Code', 'Code - OSS'], ['.vscode-server']),
        ...(portable ? [join(portable, 'user-data', 'User')] : []),
      ];
    },
  },
  {
    ...window,
    id: 'vscode-insiders',
    name: 'VS Code Insiders',
    userDirs: (places) => vscodeUserDirs(places, ['Code - Insiders'], ['.vscode-server-insiders']),
  },
  { ...window, id: 'vscodium', name: 'VSCodium', userDirs: (places) => vscodeUserDirs(places, ['VSCodium'], ['.vscodium-server']) },
  {
    ...window,
    id: 'code-server',
    name: 'code-server',
    userDirs: (places) => [join(pathVariable(places, 'XDG_DATA_HOME') ?? join(places.home, '.local', 'share'), 'code-server', 'User')],
  },
  {
    id: 'vscode-agent-host',
    name: 'VS Code Agent Host',
    // It reads the portable files itself; VS Code hands on to it what stands in the others and needs no input. Not from a `.code-workspace`.
    files: [
      { scope: 'user', format: 'vscode-mcp', of: 'vscode', at: { kind: 'user-dir', paths: ['mcp.json', 'profiles/*/mcp.json'] } },
      { scope: 'workspace', format: 'vscode-mcp', of: 'vscode', at: { kind: 'folder', paths: ['.vscode/mcp.json'] } },
      { scope: 'workspace', format: 'dot-mcp', of: 'claude-code', at: { kind: 'folder', paths: ['.mcp.json'] } },
      {
        scope: 'user',
        format: 'mcp-servers',
        of: 'copilot-cli',
        at: {
          kind: 'fixed',
          paths: (places) => [join(pathVariable(places, 'COPILOT_HOME') ?? join(places.home, '.copilot'), 'mcp-config.json')],
        },
      },
    ],
    copies: 'VS Code’s Agent Host starts one set of servers for each session, and sessions outlive their windows.',
    restartStep: 'Open the agent session, run “MCP: List Servers”, pick NAME, choose “Stop Server” and then “Start Server”.',
  },
];
