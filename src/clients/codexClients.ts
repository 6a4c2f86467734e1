import { join } from 'node:path';
import type { ClientRow } from './clientDescription.ts';
import { type Places, pathVariable, programData } from './clientPaths.ts';

const codexHome = (places: Places): string => pathVariable(places, 'CODEX_HOME') ?? join(places.home, '.codex');

/** Codex on the command line and in its desktop app (0.169). Sources: its documentation and source, and what it read and wrote when it was run. */
export const codexClients: readonly ClientRow[] = [
  {
    id: 'codex',
    name: 'Codex',
    sessionsAfterRestart: 'lost',
    files: [
      { scope: 'user', format: 'codex-config', at: { kind: 'fixed', paths: (places) => [join(codexHome(places), 'config.toml')] } },
      { scope: 'profile', format: 'codex-config', at: { kind: 'fixed', paths: (places) => [join(codexHome(places), '*.config.toml')] } },
      {
        scope: 'managed',
        format: 'codex-config',
        at: {
          kind: 'fixed',
          paths: (places) => [
            places.platform === 'win32' ? join(programData(places), 'OpenAI', 'Codex', 'config.toml') : '/etc/codex/config.toml',
          ],
        },
      },
      {
        scope: 'project',
        format: 'codex-config',
        at: { kind: 'folder', paths: ['.codex/config.toml'], parents: 'below-home', trustedOnly: true },
      },
    ],
    processes: [
      { path: /@openai\/codex(-[\w-]+)?\//, unless: /^mcp-server\b/ },
      { program: /^codex$/, unless: /^mcp-server\b/ },
    ],
    copies: 'Codex starts one copy for each thread (chat or sub-agent) and keeps it until it ends.',
    restartStep:
      'End this Codex session and resume it (codex resume); in the desktop app quit Codex and open it again. NAME then starts again.',
  },
];
