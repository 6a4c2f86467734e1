import { join } from 'node:path';
import type { ClientRow } from './clientDescription.ts';

/** Cursor. Its helper process (`mcpProcessMain`) is recognised like an extension host. */
export const cursorClients: readonly ClientRow[] = [
  {
    id: 'cursor',
    name: 'Cursor',
    sessionsAfterRestart: 'lost',
    files: [
      { scope: 'user', format: 'mcp-servers', at: { kind: 'fixed', paths: (places) => [join(places.home, '.cursor', 'mcp.json')] } },
      { scope: 'project', format: 'mcp-servers', at: { kind: 'folder', paths: ['.cursor/mcp.json'] } },
      { scope: 'project', format: 'dot-mcp', of: 'claude-code', at: { kind: 'folder', paths: ['.mcp.json'] } },
    ],
    editor: { path: /\/cursor(\.app|\.exe)?(\/|$)|\.cursor-server\// },
    copies: 'Cursor’s one helper process can start a copy for each window.',
    copiesFor: 'window',
    restartStep: 'In Cursor open Settings, Tools & MCP, and switch NAME off and on again.',
  },
];

const perWindow = (name: string): string => `${name} can start a copy for each window.`;

/** Editors. Their configuration files are not read yet. */
export const editorClients: readonly ClientRow[] = [
  {
    id: 'zed',
    name: 'Zed',
    files: [],
    processes: [
      { program: /^(zed-editor|zeditor)$/ },
      { program: /^zed$/, path: /\/Zed( \w+)?\.app\/|\/zed[^/]*\/(bin|libexec)\/|\/bin\/zed$/ },
    ],
    copies: 'Zed starts one copy for each project.',
    copiesFor: 'directory',
    restartStep: 'In Zed run the action “context server: restart” and pick NAME.',
  },
  {
    id: 'windsurf',
    name: 'Windsurf',
    files: [],
    processes: [{ path: /\/windsurf\b.*\/language_server_[^/]+$/i }],
    editor: { path: /\/windsurf(-next)?(\.app|\.exe)?(\/|$)|\.windsurf-server\// },
    copies: perWindow('Windsurf'),
    restartStep: 'In Windsurf open the list of its MCP servers and press Refresh: NAME and the others start again.',
  },
  {
    id: 'antigravity',
    name: 'Antigravity',
    files: [],
    processes: [{ path: /\/antigravity\b.*\/language_server_[^/]+$/i }, { program: /^agy$/ }],
    editor: { path: /\/antigravity(\.app|\.exe)?(\/|$)|\.antigravity-server\// },
    copies: 'Antigravity starts one copy for each workspace and conversation.',
    copiesFor: 'conversation',
    restartStep: 'In Antigravity open “Manage MCP Servers” and switch NAME off and on again.',
  },
  {
    id: 'kiro',
    name: 'Kiro',
    files: [],
    processes: [{ program: /^(kiro-cli|kiro-cli-chat)$/ }],
    editor: { path: /\/kiro(\.app)?\/|\.kiro-server\// },
    copies: perWindow('Kiro'),
    restartStep: 'In Kiro open the list of its MCP servers and reconnect NAME; on the command line start a new session.',
  },
  {
    id: 'trae',
    name: 'Trae',
    files: [],
    editor: { path: /\/trae( cn)?(\.app)?\/|\.trae-server\// },
    copies: perWindow('Trae'),
    restartStep: 'In Trae open the list of its MCP servers and switch NAME off and on again.',
  },
];
