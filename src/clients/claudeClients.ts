import { join } from 'node:path';
import { sessionVariables } from '../model/sessionVariables.ts';
import type { ClientRow } from './clientDescription.ts';
import { desktopFiles, userFiles } from './clientFiles.ts';
import { applicationData, localApplicationData, type Places, pathVariable, perPlatform, xcodeAgents } from './clientPaths.ts';

const claudeHome = (places: Places): string => pathVariable(places, 'CLAUDE_CONFIG_DIR') ?? join(places.home, '.claude');

function managedFile(places: Places, name: string): string {
  const folder = perPlatform(places, {
    linux: '/etc/claude-code',
    darwin: '/Library/Application Support/ClaudeCode',
    win32: 'C:\\Program Files\\ClaudeCode',
  });
  return join(folder, name);
}

/** The packaged Claude Desktop for Windows sees its own copy of %APPDATA%. */
const packagedFolder = (places: Places): string =>
  join(localApplicationData(places), 'Packages', 'Claude_*', 'LocalCache', 'Roaming', 'Claude');

/** Claude Code (2.1.329) and Claude Desktop. Sources: their documentation, and what they read and wrote when they were run. */
export const claudeClients: readonly ClientRow[] = [
  {
    id: 'claude-code',
    name: 'Claude Code',
    path: 'terminal',
    variable: '${NAME}',
    secretStep: 'Write ${NAME} in its place, and set the variable where Claude Code starts.',
    // Its documentation asks for it; 2.1.119 stopped warning about it, and later reports still name it (claude-plugins-official#4589).
    asksForCmd: true,
    sessionsAfterRestart: 'lost',
    files: [
      {
        scope: 'user',
        format: 'claude-state',
        at: {
          kind: 'fixed',
          // The first is an older place, which still counts when it is there.
          paths: (places) => [
            join(claudeHome(places), '.config.json'),
            join(pathVariable(places, 'CLAUDE_CONFIG_DIR') ?? places.home, '.claude.json'),
          ],
          first: true,
        },
      },
      { scope: 'project', format: 'dot-mcp', at: { kind: 'folder', paths: ['.mcp.json'], parents: 'with-home' } },
      {
        scope: 'managed',
        format: 'mcp-servers',
        at: {
          kind: 'fixed',
          paths: (places) => [managedFile(places, 'managed-mcp.json')],
        },
      },
      {
        scope: 'managed',
        format: 'claude-settings',
        at: { kind: 'fixed', paths: (places) => [managedFile(places, 'managed-settings.json')] },
      },
      {
        scope: 'user',
        format: 'plugin-list',
        at: { kind: 'fixed', paths: (places) => [join(claudeHome(places), 'plugins', 'installed_plugins.json')] },
      },
      { scope: 'user', format: 'plugin-mcp', at: { kind: 'plugin', paths: ['.mcp.json'] } },
      { scope: 'user', format: 'plugin-manifest', at: { kind: 'plugin', paths: ['.claude-plugin/plugin.json'] } },
      // The copy of Claude Code inside Xcode.
      userFiles('claude-state', (places) =>
        places.platform === 'darwin' ? [join(xcodeAgents(places), 'ClaudeAgentConfig', '.claude.json')] : [],
      ),
      { scope: 'user', format: 'claude-settings', at: { kind: 'fixed', paths: (places) => [join(claudeHome(places), 'settings.json')] } },
      {
        scope: 'project',
        format: 'claude-settings',
        at: { kind: 'folder', paths: ['.claude/settings.json', '.claude/settings.local.json'], parents: 'below-home' },
      },
    ],
    plugins: { lists: ['.claude-plugin/marketplace.json'] },
    // Seen with 2.1.329: it lists these alone, and “mcp add” is refused.
    managedAlone: true,
    commandRules: (places) => [
      managedFile(places, 'managed-settings.json'),
      ...(places.platform === 'win32' ? ['C:\\ProgramData\\ClaudeCode\\managed-settings.json'] : []),
      join(claudeHome(places), 'settings.json'),
    ],
    ownEntryPlace: "in Claude Code's local or user scope (claude mcp add --scope local NAME -- …)",
    processes: [
      {
        path: /\/claude-code\/[^/]+\/claude\.app\/Contents\/MacOS\/claude$|@anthropic-ai\/claude-code(-[\w-]+)?\/|\/claude\/versions\/[^/]+$/,
        unless: /^mcp serve\b/,
      },
      { program: /^claude$/, unless: /^mcp serve\b/, after: 'claude-desktop' },
    ],
    environmentMarks: ['CLAUDE_CODE_SESSION_ID', 'CLAUDE_PROJECT_DIR', 'CLAUDECODE'],
    sessionVariables: sessionVariables['claude-code'],
    // Seen with 2.1.197, over 20 seconds and a message.
    afterStop: { seen: 'Claude Code does not start it again and goes on to list it as connected.' },
    copies: 'one',
    restartStep: 'In Claude Code, run /mcp → NAME → Reconnect.',
    newSessionStep: 'End this Claude Code session and start it again (claude --continue keeps the conversation)',
  },
  {
    id: 'claude-desktop',
    name: 'Claude Desktop',
    // Reported: `spawn uvx ENOENT` although a shell finds it (servers#760, python-sdk#189); its logs list these folders.
    path: { adds: /\/\.nvm\/|^\/opt\/homebrew\/|^\/usr\/local\// },
    files: [
      {
        scope: 'user',
        format: 'mcp-servers',
        at: {
          kind: 'fixed',
          // The packaged app for Windows sees its own copy of %APPDATA%; a file in the real one is left over from the classic installer.
          paths: (places) => [
            ...(places.platform === 'win32' ? [join(packagedFolder(places), 'claude_desktop_config.json')] : []),
            join(applicationData(places), 'Claude', 'claude_desktop_config.json'),
          ],
          first: true,
        },
      },
      // Extensions that were installed from `.mcpb` files.
      desktopFiles('mcpb-manifest', 'Claude/Claude Extensions/*/manifest.json'),
      userFiles('mcpb-manifest', (places) =>
        places.platform === 'win32' ? [join(packagedFolder(places), 'Claude Extensions', '*', 'manifest.json')] : [],
      ),
    ],
    processes: [
      {
        path: /\/Claude\.app\/Contents\/(MacOS|Frameworks)\/|\/AnthropicClaude\/|\/WindowsApps\/Claude_|\/Claude\/app-[\d.]+\/|\/claude-desktop\//,
      },
      { program: /^claude-desktop$/ },
    ],
    copies: 'one',
    restartStep: 'Quit Claude Desktop (also from the tray or menu bar) and open it again: it starts NAME again with all its servers.',
    rewritesFiles: true,
  },
];
