import { join } from 'node:path';
import type { ClientRow } from './clientDescription.ts';
import { desktopFiles, homeFiles, projectFiles, rootMcpFile, userDirs, userFiles } from './clientFiles.ts';
import { configHome, localApplicationData } from './clientPaths.ts';

/** Cursor. Its helper process (`mcpProcessMain`) is recognised like an extension host. */
export const cursorClients: readonly ClientRow[] = [
  {
    id: 'cursor',
    name: 'Cursor',
    variable: '${env:NAME}',
    secretStep: 'Write ${env:NAME} in its place, and set the variable where Cursor starts.',
    sessionsAfterRestart: 'lost',
    files: [
      homeFiles('mcp-servers', '.cursor/mcp.json'),
      projectFiles('mcp-servers', '.cursor/mcp.json'),
      rootMcpFile,
      // Source: what other scanners look for.
      { scope: 'user', format: 'plugin-mcp', at: { kind: 'plugin', paths: ['mcp.json', '.mcp.json'] } },
    ],
    plugins: { folders: ({ home }) => ['cache/*/*/*', 'local/*'].map((path) => join(home, '.cursor/plugins', path)) },
    userDirs: (places) => userDirs(places, ['Cursor'], '.cursor-server'),
    editor: { path: /\/cursor(\.app|\.exe)?(\/|$)|\.cursor-server\// },
    copies: 'Cursor’s one helper process can start a copy for each window.',
    copiesFor: 'window',
    afterStop: 'stays-down',
    restartStep: 'In Cursor open Settings, Tools & MCP, and switch NAME off and on again.',
  },
];

const perWindow = (name: string): string => `${name} can start a copy for each window.`;

/** Editors of their own kind and those made from VS Code. Sources: their documentation and, where it says nothing, what several other programs write there. */
export const editorClients: readonly ClientRow[] = [
  {
    id: 'zed',
    name: 'Zed',
    files: [
      // Its documentation names ~/.config on macOS too; other programs write to Application Support there.
      userFiles('context-servers', (places) => [join(configHome(places), 'zed', 'settings.json')]),
      desktopFiles('context-servers', 'Zed/settings.json'),
      projectFiles('context-servers', '.zed/settings.json'),
    ],
    processes: [
      { program: /^(zed-editor|zeditor)$/ },
      { program: /^zed$/, path: /\/Zed( \w+)?\.app\/|\/zed[^/]*\/(bin|libexec)\/|\/bin\/zed$/ },
    ],
    copies: 'Zed starts one copy for each project.',
    copiesFor: 'project',
    afterStop: 'stays-down',
    restartsOnChange: true,
    restartStep: 'In Zed run the action “context server: restart” and pick NAME.',
  },
  {
    id: 'windsurf',
    name: 'Windsurf',
    variable: '${env:NAME}',
    secretStep: 'Write ${env:NAME} in its place, and set the variable where Windsurf starts.',
    files: [homeFiles('mcp-servers', '.codeium/windsurf/mcp_config.json'), rootMcpFile],
    userDirs: (places) => userDirs(places, ['Windsurf', 'Windsurf - Next'], '.windsurf-server'),
    processes: [{ path: /\/windsurf\b.*\/language_server_[^/]+$/i }],
    editor: { path: /\/windsurf(-next)?(\.app|\.exe)?(\/|$)|\.windsurf-server\// },
    copies: perWindow('Windsurf'),
    copiesFor: 'window',
    restartStep: 'In Windsurf open the list of its MCP servers and press Refresh: NAME and the others start again.',
  },
  {
    id: 'antigravity',
    name: 'Antigravity',
    files: [
      // The second is where version 1 kept them.
      homeFiles('mcp-servers', '.gemini/config/mcp_config.json', '.gemini/antigravity/mcp_config.json'),
      projectFiles('mcp-servers', '.agents/mcp_config.json'),
      { scope: 'user', format: 'plugin-mcp', at: { kind: 'plugin', paths: ['mcp_config.json'] } },
    ],
    plugins: { folders: ({ home }) => [join(home, '.gemini/config/plugins/*')] },
    userDirs: (places) => userDirs(places, ['Antigravity'], '.antigravity-server'),
    processes: [{ path: /\/antigravity\b.*\/language_server_[^/]+$/i }, { program: /^agy$/ }],
    editor: { path: /\/antigravity(\.app|\.exe)?(\/|$)|\.antigravity-server\// },
    copies: 'Antigravity starts one copy for each workspace and conversation.',
    copiesFor: 'conversation',
    afterStop: 'at-once',
    restartStep: 'In Antigravity open “Manage MCP Servers” and switch NAME off and on again.',
  },
  {
    id: 'kiro',
    name: 'Kiro',
    secretStep: 'Write ${NAME} in its place, and set the variable where Kiro starts.',
    files: [
      homeFiles('kiro-mcp', '.kiro/settings/mcp.json'),
      projectFiles('kiro-mcp', '.kiro/settings/mcp.json'),
      homeFiles('mcp-servers', '.kiro/agents/*.json'),
      projectFiles('mcp-servers', '.kiro/agents/*.json'),
    ],
    userDirs: (places) => userDirs(places, ['Kiro'], '.kiro-server'),
    processes: [{ program: /^(kiro-cli|kiro-cli-chat)$/ }],
    editor: { path: /\/kiro(\.app)?\/|\.kiro-server\// },
    copies: perWindow('Kiro'),
    copiesFor: 'window',
    restartStep: 'In Kiro open the list of its MCP servers and reconnect NAME; on the command line start a new session.',
  },
  {
    id: 'trae',
    name: 'Trae',
    files: [
      { scope: 'user', format: 'mcp-servers', at: { kind: 'user-dir', paths: ['mcp.json'] } },
      projectFiles('mcp-servers', '.trae/mcp.json'),
    ],
    userDirs: (places) => userDirs(places, ['Trae', 'Trae CN'], '.trae-server'),
    editor: { path: /\/trae( cn)?(\.app)?\/|\.trae-server\// },
    copies: perWindow('Trae'),
    copiesFor: 'window',
    restartStep: 'In Trae open the list of its MCP servers and switch NAME off and on again.',
  },
  {
    id: 'jetbrains',
    name: 'JetBrains IDEs',
    files: [
      // AI Assistant since 2025.3. Before, it kept them in XML files, which are not read.
      homeFiles('mcp-servers', '.ai/mcp/mcp.json'),
      projectFiles('mcp-servers', '.ai/mcp/mcp.json'),
      { ...homeFiles('mcp-servers', '.junie/mcp/*.json'), of: 'junie' },
      { ...projectFiles('mcp-servers', '.junie/mcp/*.json'), of: 'junie' },
      { ...userFiles('copilot-ide', (places) => [copilotInIntellij(places)]), of: 'copilot-jetbrains' },
    ],
    processes: [{ program: /^(idea|pycharm|webstorm|goland|clion|rider|phpstorm|rubymine|rustrover|datagrip)(64)?$/ }],
    copies: 'one',
    restartStep: 'In the IDE open Settings, Tools, AI Assistant, Model Context Protocol, and switch NAME off and on again.',
  },
  {
    id: 'junie',
    name: 'Junie',
    files: [homeFiles('mcp-servers', '.junie/mcp/*.json'), projectFiles('mcp-servers', '.junie/mcp/*.json')],
    processes: [{ program: /^junie$/ }],
    copies: 'one',
    restartStep: 'In Junie’s MCP settings switch NAME off and on again; on the command line start a new session.',
  },
  {
    id: 'copilot-jetbrains',
    name: 'Copilot for JetBrains',
    files: [userFiles('copilot-ide', (places) => [copilotInIntellij(places)])],
    copies: 'one',
    restartStep: 'In the IDE open the tools of Copilot Chat, edit the MCP configuration and press Restart above NAME.',
  },
  {
    id: 'copilot-xcode',
    name: 'Copilot for Xcode',
    systems: ['darwin'],
    files: [homeFiles('copilot-ide', '.config/github-copilot/xcode/mcp.json')],
    processes: [{ path: /\/GitHub Copilot for Xcode[^/]*\.app\// }],
    copies: 'one',
    restartStep: 'In GitHub Copilot for Xcode open Tools, MCP, and switch NAME off and on again.',
  },
  {
    id: 'visual-studio',
    name: 'Visual Studio',
    systems: ['win32'],
    // In this order; the others are those of other clients. Source: its documentation.
    files: [
      homeFiles('dot-mcp', '.mcp.json'),
      projectFiles('dot-mcp', '.vs/mcp.json'),
      rootMcpFile,
      { ...projectFiles('vscode-mcp', '.vscode/mcp.json'), of: 'vscode' },
      { ...projectFiles('mcp-servers', '.cursor/mcp.json'), of: 'cursor' },
    ],
    processes: [{ program: /^devenv$/ }],
    copies: 'one',
    restartsOnChange: true,
    restartStep: 'In Visual Studio open the file with the entry and press Restart above NAME.',
  },
];

function copilotInIntellij(places: Parameters<typeof configHome>[0]): string {
  const folder = places.platform === 'win32' ? localApplicationData(places) : configHome(places);
  return join(folder, 'github-copilot', 'intellij', 'mcp.json');
}
