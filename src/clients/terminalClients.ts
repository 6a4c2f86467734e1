import { join } from 'node:path';
import { sessionVariables } from '../model/sessionVariables.ts';
import type { ClientRow } from './clientDescription.ts';
import { homeFiles, userFiles } from './clientFiles.ts';
import { applicationData, configHome, copilotHome, type Places, pathVariable, programData, xcodeAgents } from './clientPaths.ts';

const codexHome = (places: Places): string => pathVariable(places, 'CODEX_HOME') ?? join(places.home, '.codex');

/** Codex on the command line and in its desktop app (0.169). Sources: its documentation and source, and what it read and wrote when it was run. */
export const codexClients: readonly ClientRow[] = [
  {
    id: 'codex',
    name: 'Codex',
    path: 'terminal',
    secretStep: 'Remove it there, add env_vars = ["NAME"] to the entry, and set the variable where Codex starts.',
    sessionVariables: sessionVariables.codex,
    sessionsAfterRestart: 'lost',
    files: [
      { scope: 'user', format: 'codex-config', at: { kind: 'fixed', paths: (places) => [join(codexHome(places), 'config.toml')] } },
      {
        scope: 'profile',
        format: 'codex-config',
        at: { kind: 'fixed', paths: (places) => [join(codexHome(places), '*.config.toml')], busy: true },
      },
      // The copy of Codex inside Xcode.
      userFiles('codex-config', (places) => (places.platform === 'darwin' ? [join(xcodeAgents(places), 'codex', 'config.toml')] : [])),
      { scope: 'user', format: 'plugin-mcp', at: { kind: 'plugin', paths: ['.mcp.json'] } },
      { scope: 'user', format: 'plugin-manifest', at: { kind: 'plugin', paths: ['.codex-plugin/plugin.json'] } },
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
    plugins: { folders: (places) => [join(codexHome(places), 'plugins', 'cache', '*', '*', '*')], versioned: true },
    processes: [
      { path: /@openai\/codex(-[\w-]+)?\//, unless: /^mcp-server\b/ },
      { program: /^codex$/, unless: /^mcp-server\b/ },
    ],
    precedence: ['local', 'project', 'workspace', 'profile', 'user', 'managed'],
    // Seen with the app server of 0.169.0, over 20 seconds and a call.
    afterStop: {
      seen: 'Codex does not start it again in that thread and says nothing: calls there fail with “Transport closed”. Other threads keep their copies, and a new thread starts its own.',
    },
    copies: 'Codex starts one copy for each thread (chat or sub-agent) and keeps it until it ends.',
    copiesFor: 'conversation',
    restartStep:
      'End this Codex session and resume it (codex resume); in the desktop app quit Codex and open it again. NAME then starts again.',
  },
];

/**
 * Agents that run in a terminal and belong to no other family. Sources: their documentation, and what Copilot CLI, auggie and Amp read and wrote when
 * they were run.
 */
export const terminalClients: readonly ClientRow[] = [
  {
    id: 'copilot-cli',
    name: 'Copilot CLI',
    // Captured from 1.0.102.
    entryForm: 'copilot',
    path: 'terminal',
    sessionsAfterRestart: 'lost',
    files: [
      { scope: 'user', format: 'mcp-servers', at: { kind: 'fixed', paths: (places) => [join(copilotHome(places), 'mcp-config.json')] } },
      { scope: 'user', format: 'copilot-settings', at: { kind: 'fixed', paths: (places) => [join(copilotHome(places), 'settings.json')] } },
      { scope: 'project', format: 'dot-mcp', of: 'claude-code', at: { kind: 'folder', paths: ['.mcp.json'], parents: 'below-home' } },
      { scope: 'project', format: 'mcp-servers', at: { kind: 'folder', paths: ['.github/mcp.json'], parents: 'below-home' } },
      { scope: 'user', format: 'plugin-mcp', at: { kind: 'plugin', paths: ['.mcp.json'] } },
      {
        scope: 'user',
        format: 'plugin-manifest',
        at: { kind: 'plugin', paths: ['plugin.json', '.plugin/plugin.json', '.github/plugin/plugin.json', '.claude-plugin/plugin.json'] },
      },
    ],
    plugins: {
      folders: (places) => [join(copilotHome(places), 'installed-plugins', '*', '*')],
      lists: ['.plugin', '.github/plugin', '.claude-plugin'].map((folder) => `${folder}/marketplace.json`),
    },
    processes: [{ path: /@github\/copilot(-(linux|darwin|win32)[\w-]*)?\// }, { program: /^copilot$/ }],
    environmentMarks: ['COPILOT_AGENT_SESSION_ID', 'COPILOT_CLI_BINARY_VERSION'],
    sessionVariables: sessionVariables['copilot-cli'],
    copies: 'one',
    afterStop: 'stays-down',
    restartStep: 'End this Copilot CLI session and resume it (copilot --continue): NAME starts with the session.',
  },
  {
    id: 'auggie',
    name: 'Augment (auggie)',
    sessionsAfterRestart: 'lost',
    files: [
      { scope: 'user', format: 'mcp-servers', at: { kind: 'fixed', paths: (places) => [join(places.home, '.augment', 'settings.json')] } },
      {
        scope: 'project',
        format: 'mcp-servers',
        at: { kind: 'folder', paths: ['.augment/settings.json', '.augment/settings.local.json'], parents: 'below-home' },
      },
      {
        scope: 'managed',
        format: 'mcp-servers',
        at: {
          kind: 'fixed',
          paths: (places) => [join(places.platform === 'win32' ? join(programData(places), 'augment') : '/etc/augment', 'settings.json')],
        },
      },
      // By the source of 0.36, which offers plugins to some accounts only.
      homeFiles('copilot-settings', '.augment/settings.json'),
      homeFiles('marketplace', ...['augment', 'claude'].map((name) => `.augment/plugins/marketplaces/*/.${name}-plugin/marketplace.json`)),
      { scope: 'user', format: 'plugin-mcp', at: { kind: 'plugin', paths: ['.mcp.json'] } },
    ],
    processes: [{ path: /@augmentcode\/auggie\// }, { program: /^auggie$/ }],
    copies: 'one',
    restartStep: 'End this auggie session and start it again (auggie --continue): NAME starts with the session.',
  },
  {
    id: 'amp',
    name: 'Amp',
    files: [
      {
        scope: 'user',
        format: 'amp-settings',
        at: { kind: 'fixed', paths: (places) => ['settings.json', 'settings.jsonc'].map((file) => join(configHome(places), 'amp', file)) },
      },
      {
        scope: 'project',
        format: 'amp-settings',
        at: { kind: 'folder', paths: ['.amp/settings.json', '.amp/settings.jsonc'], parents: 'below-home' },
      },
    ],
    processes: [{ path: /@sourcegraph\/amp\// }, { program: /^amp$/ }],
    copies: 'one',
    restartStep: 'End this Amp session and continue its thread (amp threads continue): NAME starts with the session.',
  },
  {
    id: 'goose',
    name: 'Goose',
    files: [
      userFiles('goose-config', (places) => [
        places.platform === 'win32'
          ? join(applicationData(places), 'Block', 'goose', 'config', 'config.yaml')
          : join(configHome(places), 'goose', 'config.yaml'),
      ]),
    ],
    processes: [{ program: /^(goosed?|goose-desktop)$/, unless: /^mcp\b/ }],
    copies: 'one',
    restartStep: 'End this Goose session and start it again: NAME starts with it.',
  },
];
