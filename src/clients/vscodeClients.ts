import { join } from 'node:path';
import type { ClientId } from '../model/definition.ts';
import { sessionVariables } from '../model/sessionVariables.ts';
import type { ClientRow, ConfigFiles } from './clientDescription.ts';
import { userDirs } from './clientFiles.ts';
import { copilotHome, pathVariable } from './clientPaths.ts';

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
  product: 'vscode',
  precedence: 'apart',
  ownEntryPlace: 'in your user configuration (“MCP: Open User Configuration”)',
  copies: 'one',
  restartStep: 'In that window run “MCP: List Servers”, pick NAME and choose “Restart Server”.',
  sessionsAfterRestart: 'renewed',
  variable: '${env:NAME}',
  secretStep:
    'Write ${input:NAME} in its place and describe that input under “inputs”: VS Code asks for the value once and keeps it encrypted.',
  sessionVariables: sessionVariables.vscode,
} as const;

/** The editor where a path or a process of VS Code's family names no other. */
export const defaultEditor: ClientId = 'vscode';

/** VS Code, its builds, and its Agent Host. */
export const vscodeClients: readonly ClientRow[] = [
  {
    ...window,
    id: defaultEditor,
    name: 'VS Code',
    editor: {},
    userDirs: (places) => {
      const portable = pathVariable(places, 'VSCODE_PORTABLE');
      return [...userDirs(places, ['Code', 'Code - OSS'], '.vscode-server'), ...(portable ? [join(portable, 'user-data', 'User')] : [])];
    },
    // Source: VS Code's documentation. On Windows and macOS its policies are no files.
    commandRules: ({ platform }) => (platform === 'win32' || platform === 'darwin' ? [] : ['/etc/vscode/policy.json']),
  },
  {
    ...window,
    id: 'vscode-insiders',
    name: 'VS Code Insiders',
    editor: { path: /code-insiders|code - insiders|vs ?code insiders|\.vscode-server-insiders\// },
    userDirs: (places) => userDirs(places, ['Code - Insiders'], '.vscode-server-insiders'),
  },
  {
    ...window,
    id: 'vscodium',
    name: 'VSCodium',
    editor: { path: /vscodium|\/codium\b/ },
    userDirs: (places) => userDirs(places, ['VSCodium'], '.vscodium-server'),
  },
  {
    ...window,
    id: 'code-server',
    name: 'code-server',
    editor: { path: /\/code-server\b/ },
    userDirs: (places) => [join(pathVariable(places, 'XDG_DATA_HOME') ?? join(places.home, '.local', 'share'), 'code-server', 'User')],
  },
  {
    id: 'vscode-agent-host',
    name: 'VS Code Agent Host',
    product: 'vscode',
    // It reads the portable files itself. VS Code passes on to it the entries of the other files that need no input, except those of a `.code-workspace`.
    files: [
      { scope: 'user', format: 'vscode-mcp', of: 'vscode', at: { kind: 'user-dir', paths: ['mcp.json', 'profiles/*/mcp.json'] } },
      { scope: 'workspace', format: 'vscode-mcp', of: 'vscode', at: { kind: 'folder', paths: ['.vscode/mcp.json'] } },
      { scope: 'workspace', format: 'dot-mcp', of: 'claude-code', at: { kind: 'folder', paths: ['.mcp.json'] } },
      {
        scope: 'user',
        format: 'mcp-servers',
        of: 'copilot-cli',
        at: { kind: 'fixed', paths: (places) => [join(copilotHome(places), 'mcp-config.json')] },
      },
    ],
    processes: [{ program: /^copilot-runtime$/ }],
    environmentMarks: ['COPILOT_MCP_APPS', 'COPILOT_CLI_RUN_AS_NODE'],
    copies: 'VS Code’s Agent Host starts one set of servers for each session, and sessions outlive their windows.',
    copiesFor: 'conversation',
    restartStep: 'Open the agent session, run “MCP: List Servers”, pick NAME, choose “Stop Server” and then “Start Server”.',
    stopStep:
      'Open the agent session, run “MCP: List Servers”, pick NAME and choose “Stop Server”: its session then knows that it is stopped.',
    listsServersInEditor: true,
  },
];
