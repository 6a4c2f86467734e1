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
    restartStep: 'In Cursor open Settings, Tools & MCP, and switch NAME off and on again.',
  },
];
