import { join } from 'node:path';
import type { ClientRow } from './clientDescription.ts';
import { filesIn, rootMcpFile, userFiles } from './clientFiles.ts';
import { type Places, pathVariable, perPlatform, programData } from './clientPaths.ts';

const geminiHome = (places: Places): string => join(pathVariable(places, 'GEMINI_CLI_HOME') ?? places.home, '.gemini');

/** Settings that an administrator makes for all users: those that win, or the defaults. */
function systemSettings(name: string, macName: string, variable: string, file = 'settings.json'): (places: Places) => readonly string[] {
  return (places) => [
    pathVariable(places, variable) ??
      perPlatform(places, {
        linux: `/etc/${name}/${file}`,
        darwin: `/Library/Application Support/${macName}/${file}`,
        win32: join(programData(places), name, file),
      }),
  ];
}

/**
 * Gemini CLI (0.61) and its fork Qwen Code, which sets the marks of both and therefore comes first.
 * Sources: their documentation and sources, and what they read and wrote when they were run.
 */
export const geminiClients: readonly ClientRow[] = [
  {
    id: 'qwen',
    name: 'Qwen Code',
    path: 'terminal',
    secretStep: 'Write $NAME in its place, and set the variable where Qwen Code starts.',
    files: [
      filesIn('qwen-settings', 'QWEN_HOME', '.qwen', 'settings.json'),
      { scope: 'project', format: 'qwen-settings', at: { kind: 'folder', paths: ['.qwen/settings.json'] } },
      {
        scope: 'managed',
        format: 'qwen-settings',
        at: { kind: 'fixed', paths: systemSettings('qwen-code', 'QwenCode', 'QWEN_CODE_SYSTEM_SETTINGS_PATH') },
      },
      userFiles('qwen-settings', systemSettings('qwen-code', 'QwenCode', 'QWEN_CODE_SYSTEM_DEFAULTS_PATH', 'system-defaults.json')),
      // Seen with 0.24.4, which asks before it starts these.
      rootMcpFile,
      filesIn('extension-states', 'QWEN_HOME', '.qwen', 'extensions/extension-enablement.json'),
      { scope: 'user', format: 'plugin-manifest', at: { kind: 'plugin', paths: ['qwen-extension.json'] } },
    ],
    plugins: { folders: (places) => [join(pathVariable(places, 'QWEN_HOME') ?? join(places.home, '.qwen'), 'extensions', '*')] },
    processes: [{ path: /@qwen-code\/qwen-code\// }, { program: /^qwen$/ }],
    environmentMarks: ['QWEN_CODE_NO_RELAUNCH', 'QWEN_CODE'],
    copies: 'one',
    afterStop: 'stays-down',
    restartStep: 'End this Qwen Code session and start it again (qwen --continue keeps the conversation): NAME starts with the session.',
  },
  {
    id: 'gemini',
    name: 'Gemini CLI',
    path: 'terminal',
    secretStep: 'Write $NAME in its place, and set the variable where Gemini CLI starts.',
    files: [
      userFiles('gemini-settings', (places) => [join(geminiHome(places), 'settings.json')]),
      { scope: 'project', format: 'gemini-settings', at: { kind: 'folder', paths: ['.gemini/settings.json'] } },
      {
        scope: 'managed',
        format: 'gemini-settings',
        at: { kind: 'fixed', paths: systemSettings('gemini-cli', 'GeminiCli', 'GEMINI_CLI_SYSTEM_SETTINGS_PATH') },
      },
      userFiles('gemini-settings', systemSettings('gemini-cli', 'GeminiCli', 'GEMINI_CLI_SYSTEM_DEFAULTS_PATH', 'system-defaults.json')),
      userFiles('extension-states', (places) => [join(geminiHome(places), 'extensions', 'extension-enablement.json')]),
      { scope: 'user', format: 'gemini-settings', at: { kind: 'plugin', paths: ['gemini-extension.json'] } },
    ],
    plugins: { folders: (places) => [join(geminiHome(places), 'extensions', '*')] },
    // Antigravity keeps its files in the same folder.
    traces: (places) => ['settings.json', 'tmp', 'oauth_creds.json'].map((name) => join(geminiHome(places), name)),
    fileWarning: {
      file: /[\\/]gemini-extension\.json$/,
      text: 'This file belongs to an extension of Gemini CLI: its next update overwrites it.',
    },
    processes: [{ path: /@google\/gemini-cli\// }, { program: /^gemini$/ }],
    environmentMarks: ['GEMINI_CLI'],
    copies: 'one',
    afterStop: 'stays-down',
    restartStep: 'In that Gemini CLI session run /mcp reload: it restarts NAME and all other servers of the session.',
  },
];
