import { join } from 'node:path';
import type { ClientRow } from './clientDescription.ts';
import { applicationData, configHome, localApplicationData, type Places, pathVariable, perPlatform, programData } from './clientPaths.ts';
import { processOnlyClients } from './processOnlyClients.ts';
import { vscodeClients } from './vscodeClients.ts';

const names = ['opencode.json', 'opencode.jsonc'];
const inFolder = (folder: string): readonly string[] => names.map((name) => join(folder, name));

/** opencode merges all of these: an entry of one name in several files is one server of it. Seen with 1.18.33. */
export const opencodeClient: ClientRow = {
  id: 'opencode',
  name: 'opencode',
  files: [
    {
      scope: 'user',
      format: 'opencode-config',
      at: {
        kind: 'fixed',
        paths: (places) => {
          const global = join(configHome(places), 'opencode');
          return [
            join(global, 'config.json'),
            ...inFolder(global),
            ...inFolder(join(places.home, '.opencode')),
            ...namedByVariables(places),
          ];
        },
      },
    },
    {
      scope: 'managed',
      format: 'opencode-config',
      at: {
        kind: 'fixed',
        paths: (places) =>
          inFolder(
            perPlatform(places, {
              linux: '/etc/opencode',
              darwin: '/Library/Application Support/opencode',
              win32: join(programData(places), 'opencode'),
            }),
          ),
      },
    },
    // Upwards to the repository's root, or to the file system's outside of a repository.
    { scope: 'project', format: 'opencode-config', at: { kind: 'folder', paths: names, parents: 'with-home' } },
    { scope: 'project', format: 'opencode-config', at: { kind: 'folder', paths: inFolder('.opencode'), parents: 'below-home' } },
  ],
  copies: 'opencode starts one copy for each directory that it works in.',
  restartStep: 'In opencode press Ctrl+P, choose “Toggle MCPs” and switch NAME off and on again with the space bar.',
};

/** `OPENCODE_CONFIG` is a file, `OPENCODE_CONFIG_DIR` a directory like `.opencode`. */
function namedByVariables(places: Places): readonly string[] {
  const file = pathVariable(places, 'OPENCODE_CONFIG');
  const folder = pathVariable(places, 'OPENCODE_CONFIG_DIR');
  return [...(file === undefined ? [] : [file]), ...(folder === undefined ? [] : inFolder(folder))];
}

export type { ClientRow } from './clientDescription.ts';

const codexHome = (places: Places): string => pathVariable(places, 'CODEX_HOME') ?? join(places.home, '.codex');
const copilotHome = (places: Places): string => pathVariable(places, 'COPILOT_HOME') ?? join(places.home, '.copilot');
const claudeHome = (places: Places): string => pathVariable(places, 'CLAUDE_CONFIG_DIR') ?? join(places.home, '.claude');

/** Settings that an administrator sets for everybody, of Gemini CLI and its relatives. */
function systemSettings(name: string, macName: string, variable: string): (places: Places) => readonly string[] {
  return (places) => [
    pathVariable(places, variable) ??
      perPlatform(places, {
        linux: `/etc/${name}/settings.json`,
        darwin: `/Library/Application Support/${macName}/settings.json`,
        win32: join(programData(places), name, 'settings.json'),
      }),
  ];
}

/**
 * The clients that MCP Shepherd knows. Adding one is adding a row here and a fixture; how its processes look is in `clientProcess.ts`.
 * Paths and behaviour: the clients' documentation and sources, and what they wrote and read when they were run (Claude Code 2.1.329,
 * Codex 0.169, Gemini CLI 0.61, Qwen Code, Copilot CLI, auggie, amp, opencode 1.18, November 2026).
 */
export const clientTable: readonly ClientRow[] = [
  ...vscodeClients,
  {
    id: 'claude-code',
    name: 'Claude Code',
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
          paths: (places) => [
            perPlatform(places, {
              linux: '/etc/claude-code/managed-mcp.json',
              darwin: '/Library/Application Support/ClaudeCode/managed-mcp.json',
              win32: 'C:\\Program Files\\ClaudeCode\\managed-mcp.json',
            }),
          ],
        },
      },
      { scope: 'user', format: 'claude-settings', at: { kind: 'fixed', paths: (places) => [join(claudeHome(places), 'settings.json')] } },
      {
        scope: 'project',
        format: 'claude-settings',
        at: { kind: 'folder', paths: ['.claude/settings.json', '.claude/settings.local.json'], parents: 'below-home' },
      },
    ],
    copies: 'one',
    restartStep: 'In that Claude Code session run /mcp, pick NAME and choose Reconnect.',
  },
  {
    id: 'claude-desktop',
    name: 'Claude Desktop',
    files: [
      {
        scope: 'user',
        format: 'mcp-servers',
        at: {
          kind: 'fixed',
          // The packaged app for Windows sees its own copy of %APPDATA%; a file in the real one is left over from the classic installer.
          paths: (places) => [
            ...(places.platform === 'win32'
              ? [
                  join(
                    localApplicationData(places),
                    'Packages',
                    'Claude_*',
                    'LocalCache',
                    'Roaming',
                    'Claude',
                    'claude_desktop_config.json',
                  ),
                ]
              : []),
            join(applicationData(places), 'Claude', 'claude_desktop_config.json'),
          ],
          first: true,
        },
      },
    ],
    copies: 'one',
    restartStep: 'Quit Claude Desktop (also from the tray or menu bar) and open it again: it starts NAME afresh with all its servers.',
    rewritesFiles: true,
  },
  {
    id: 'cursor',
    name: 'Cursor',
    sessionsAfterRestart: 'lost',
    files: [
      { scope: 'user', format: 'mcp-servers', at: { kind: 'fixed', paths: (places) => [join(places.home, '.cursor', 'mcp.json')] } },
      { scope: 'project', format: 'mcp-servers', at: { kind: 'folder', paths: ['.cursor/mcp.json'] } },
      { scope: 'project', format: 'dot-mcp', of: 'claude-code', at: { kind: 'folder', paths: ['.mcp.json'] } },
    ],
    copies: 'Cursor’s one helper process can start a copy for each window.',
    restartStep: 'In Cursor open Settings, Tools & MCP, and switch NAME off and on again.',
  },
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
    copies: 'Codex starts one copy for each thread (chat or sub-agent) and keeps it until it ends.',
    restartStep:
      'End this Codex session and resume it (codex resume); in the desktop app quit Codex and open it again. NAME then starts afresh.',
  },
  {
    id: 'gemini',
    name: 'Gemini CLI',
    files: [
      {
        scope: 'user',
        format: 'gemini-settings',
        at: { kind: 'fixed', paths: (places) => [join(places.home, '.gemini', 'settings.json')] },
      },
      { scope: 'project', format: 'gemini-settings', at: { kind: 'folder', paths: ['.gemini/settings.json'] } },
      {
        scope: 'managed',
        format: 'gemini-settings',
        at: { kind: 'fixed', paths: systemSettings('gemini-cli', 'GeminiCli', 'GEMINI_CLI_SYSTEM_SETTINGS_PATH') },
      },
      {
        scope: 'user',
        format: 'gemini-settings',
        at: { kind: 'fixed', paths: (places) => [join(places.home, '.gemini', 'extensions', '*', 'gemini-extension.json')] },
      },
    ],
    copies: 'one',
    restartStep: 'In that Gemini CLI session run /mcp reload: it restarts NAME and all other servers of the session.',
  },
  {
    id: 'qwen',
    name: 'Qwen Code',
    files: [
      { scope: 'user', format: 'qwen-settings', at: { kind: 'fixed', paths: (places) => [join(places.home, '.qwen', 'settings.json')] } },
      { scope: 'project', format: 'qwen-settings', at: { kind: 'folder', paths: ['.qwen/settings.json'] } },
      {
        scope: 'managed',
        format: 'qwen-settings',
        at: { kind: 'fixed', paths: systemSettings('qwen-code', 'QwenCode', 'QWEN_CODE_SYSTEM_SETTINGS_PATH') },
      },
    ],
    copies: 'one',
    restartStep: 'End this Qwen Code session and start it again (qwen --continue keeps the conversation): NAME starts with the session.',
  },
  {
    id: 'copilot-cli',
    name: 'Copilot CLI',
    sessionsAfterRestart: 'lost',
    files: [
      { scope: 'user', format: 'mcp-servers', at: { kind: 'fixed', paths: (places) => [join(copilotHome(places), 'mcp-config.json')] } },
      { scope: 'user', format: 'copilot-settings', at: { kind: 'fixed', paths: (places) => [join(copilotHome(places), 'settings.json')] } },
      { scope: 'project', format: 'dot-mcp', of: 'claude-code', at: { kind: 'folder', paths: ['.mcp.json'], parents: 'below-home' } },
      { scope: 'project', format: 'mcp-servers', at: { kind: 'folder', paths: ['.github/mcp.json'], parents: 'below-home' } },
    ],
    copies: 'one',
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
    ],
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
    copies: 'one',
    restartStep: 'End this Amp session and continue its thread (amp threads continue): NAME starts with the session.',
  },
  opencodeClient,
  ...processOnlyClients,
];
