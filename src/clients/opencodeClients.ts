import { join } from 'node:path';
import { sessionVariables } from '../model/sessionVariables.ts';
import type { ClientRow } from './clientDescription.ts';
import { extensionFiles, projectFiles, userFiles } from './clientFiles.ts';
import { configHome, type Places, pathVariable, perPlatform, programData } from './clientPaths.ts';

const names = ['opencode.json', 'opencode.jsonc'];
const inFolder = (folder: string): readonly string[] => names.map((name) => join(folder, name));

const mimoNames = ['mimocode.json', 'mimocode.jsonc'];

/** `OPENCODE_CONFIG` is a file, `OPENCODE_CONFIG_DIR` a directory like `.opencode`. */
function namedByVariables(places: Places): readonly string[] {
  const file = pathVariable(places, 'OPENCODE_CONFIG');
  const folder = pathVariable(places, 'OPENCODE_CONFIG_DIR');
  return [...(file === undefined ? [] : [file]), ...(folder === undefined ? [] : inFolder(folder))];
}

/** opencode, and what is made from it: Kilo Code, which sets the marks of both and therefore comes first, and MiMo Code. */
export const opencodeClients: readonly ClientRow[] = [
  {
    id: 'kilo',
    name: 'Kilo Code',
    variable: '{env:NAME}',
    secretStep: 'Write {env:NAME} in its place, and set the variable where Kilo Code starts.',
    sessionsAfterRestart: 'lost',
    // Seen with 7.7.9; it also reads opencode's project files. The last two belong to the extension before version 7.
    files: [
      userFiles('opencode-config', (places) => [
        ...['kilo.json', 'kilo.jsonc'].map((name) => join(configHome(places), 'kilo', name)),
        join(places.home, '.kilo', 'kilo.json'),
      ]),
      projectFiles('opencode-config', 'kilo.json', 'kilo.jsonc', '.kilo/kilo.json', '.kilocode/kilo.json'),
      { ...projectFiles('opencode-config', ...names), of: 'opencode' },
      projectFiles('mcp-servers', '.kilocode/mcp.json'),
      extensionFiles('mcp-servers', 'globalStorage/kilocode.kilo-code/settings/mcp_settings.json'),
    ],
    processes: [{ path: /@kilocode\/cli[^/]*\/|kilocode\.kilo-code[^/]*\/bin\// }, { program: /^(kilo|kilocode)$/ }],
    environmentMarks: ['KILO', 'KILO_PID', 'KILOCODE_VERSION'],
    afterStop: 'at-once',
    restartsOnChange: true,
    sessionVariables: sessionVariables.kilo,
    copies: 'Kilo Code starts one copy for each directory that it works in.',
    copiesFor: 'directory',
    restartStep: 'In Kilo Code open the settings of its MCP servers and press the restart button of NAME.',
  },
  {
    // It merges all of these: an entry of one name in several files is one server. Seen with 1.18.33.
    id: 'opencode',
    name: 'opencode',
    path: 'terminal',
    variable: '{env:NAME}',
    secretStep: 'Write {env:NAME} in its place, and set the variable where opencode starts.',
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
    processes: [{ path: /\/opencode-ai\/|\/opencode-(linux|darwin|windows)[^/]*\// }, { program: /^opencode$/ }],
    environmentMarks: ['OPENCODE', 'OPENCODE_PID'],
    sessionVariables: sessionVariables.opencode,
    controlledBy: 'opencode-http',
    // Seen with `opencode serve` of 1.18.33, over 20 seconds and a new session.
    afterStop: {
      seen: 'opencode lists it as failed or disabled in that directory and does not start it again, not for a new session either, until it is connected again.',
    },
    copies: 'opencode starts one copy for each directory that it works in.',
    copiesFor: 'directory',
    restartStep: 'In opencode press Ctrl+P, choose “Toggle MCPs” and switch NAME off and on again with the space bar.',
  },
  {
    // Not run here. Files by reports of users and by programs that write them (MiMo-Code#76, codebase-memory-mcp#1217, clawd-on-desk#607, which read the source of 0.1.6).
    id: 'mimo',
    name: 'MiMo Code',
    path: 'terminal',
    files: [
      userFiles('opencode-config', (places) => {
        const home = pathVariable(places, 'MIMOCODE_HOME');
        const folder = pathVariable(places, 'MIMOCODE_CONFIG_DIR');
        const global = home === undefined ? join(configHome(places), 'mimocode') : join(home, 'config');
        return [
          join(global, 'config.json'),
          ...mimoNames.map((name) => join(global, name)),
          ...(folder === undefined ? [] : mimoNames.map((name) => join(folder, name))),
        ];
      }),
      projectFiles('opencode-config', ...mimoNames, ...mimoNames.map((name) => `.mimocode/${name}`)),
    ],
    processes: [{ program: /^(mimo|mimocode)$/ }],
    copies: 'MiMo Code, as opencode, starts one copy for each directory that it works in.',
    copiesFor: 'directory',
    restartStep: 'End this MiMo Code session and start it again: NAME starts with it.',
  },
];
