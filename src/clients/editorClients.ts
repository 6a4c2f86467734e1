import type { ClientRow } from './clientDescription.ts';

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
