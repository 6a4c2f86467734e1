import { join } from 'node:path';
import type { ClientRow } from './clientDescription.ts';
import { desktopFiles, filesIn, homeFiles, projectFiles, rootMcpFile, userFiles } from './clientFiles.ts';
import { configHome, localApplicationData, pathVariable, perPlatform, programData } from './clientPaths.ts';

/**
 * Clients that are no relatives of the clients in the other files: agents in a terminal first, then programs with a window. Sources: their documentation, and what other
 * programs write there. Warp keeps its servers in its cloud and Copilot for Eclipse in a preference store: neither has a file.
 */
export const otherClients: readonly ClientRow[] = [
  {
    id: 'amazon-q',
    name: 'Amazon Q',
    files: [
      homeFiles('mcp-servers', '.aws/amazonq/mcp.json', '.aws/amazonq/cli-agents/*.json', '.aws/amazonq/agents/*.json'),
      projectFiles('mcp-servers', '.amazonq/mcp.json', '.amazonq/cli-agents/*.json'),
    ],
    processes: [{ program: /^(qchat|q)$/, path: /\/amazon-q\/|\/\.local\/bin\/q(chat)?$/ }],
    copies: 'one',
    restartStep: 'End this Amazon Q session and start it again: NAME starts with it.',
  },
  {
    id: 'crush',
    name: 'Crush',
    files: [
      userFiles('mcp-map', (places) => [
        pathVariable(places, 'CRUSH_GLOBAL_CONFIG') ?? join(configHome(places), 'crush', 'crush.json'),
        ...(places.platform === 'win32' ? [join(localApplicationData(places), 'crush', 'crush.json')] : []),
      ]),
      projectFiles('mcp-map', '.crush.json', 'crush.json'),
    ],
    processes: [{ program: /^crush$/ }],
    copies: 'one',
    afterStop: 'call',
    restartsOnChange: true,
    restartStep:
      'Nothing to do in Crush once NAME has ended: Crush starts it again at the next call. Otherwise end Crush and start it again.',
  },
  {
    id: 'droid',
    name: 'Factory Droid',
    files: [homeFiles('mcp-servers', '.factory/mcp.json'), projectFiles('mcp-servers', '.factory/mcp.json')],
    processes: [{ program: /^droid$/ }],
    copies: 'one',
    restartStep: 'End this Droid session and start it again: NAME starts with it.',
  },
  {
    id: 'grok',
    name: 'Grok Build',
    files: [filesIn('codex-config', 'GROK_HOME', '.grok', 'config.toml'), projectFiles('codex-config', '.grok/config.toml')],
    processes: [{ program: /^grok$/ }],
    copies: 'one',
    restartStep: 'End this Grok session and start it again: NAME starts with it.',
  },
  {
    id: 'kimi',
    name: 'Kimi Code',
    files: [
      filesIn('mcp-servers', 'KIMI_CODE_HOME', '.kimi-code', 'mcp.json'),
      // Where the earlier Kimi CLI kept them.
      homeFiles('mcp-servers', '.kimi/mcp.json'),
      projectFiles('mcp-servers', '.kimi-code/mcp.json'),
      { ...rootMcpFile, at: { kind: 'folder', paths: ['.mcp.json'], parents: 'below-home' } },
      // By its source of November 2026.
      filesIn('plugin-list', 'KIMI_CODE_HOME', '.kimi-code', 'plugins/installed.json'),
      { scope: 'user', format: 'plugin-manifest', at: { kind: 'plugin', paths: ['kimi.plugin.json', '.kimi-plugin/plugin.json'] } },
    ],
    processes: [{ path: /@moonshot-ai\/kimi-code\// }, { program: /^kimi$/ }],
    copies: 'one',
    restartStep: 'End this Kimi session and start it again: NAME starts with it.',
  },
  {
    id: 'vibe',
    name: 'Mistral Vibe',
    files: [filesIn('vibe-config', 'VIBE_HOME', '.vibe', 'config.toml'), projectFiles('vibe-config', '.vibe/config.toml')],
    processes: [{ program: /^vibe(-acp)?$/ }],
    copies: 'one',
    restartStep: 'End this Vibe session and continue it (vibe --continue): NAME starts with the session.',
  },
  {
    id: 'hermes',
    name: 'Hermes Agent',
    files: [filesIn('hermes-config', 'HERMES_HOME', '.hermes', 'config.yaml')],
    processes: [{ program: /^hermes(-agent)?$/ }],
    copies: 'one',
    restartStep: 'In Hermes run /reload-mcp: it restarts NAME and all other servers.',
  },
  {
    id: 'tabnine',
    name: 'Tabnine',
    files: [
      homeFiles('gemini-settings', '.tabnine/agent/settings.json'),
      projectFiles('gemini-settings', '.tabnine/agent/settings.json'),
      {
        scope: 'managed',
        format: 'gemini-settings',
        at: {
          kind: 'fixed',
          paths: (places) => [
            perPlatform(places, {
              linux: '/etc/tabnine-cli/settings.json',
              darwin: '/Library/Application Support/TabnineCli/settings.json',
              win32: join(programData(places), 'tabnine-cli', 'settings.json'),
            }),
          ],
        },
      },
    ],
    copies: 'one',
    restartStep: 'End this Tabnine session and start it again: NAME starts with it.',
  },
  {
    id: 'pi',
    name: 'Pi',
    files: [filesIn('mcp-servers', 'PI_CODING_AGENT_DIR', '.pi/agent', 'mcp.json'), projectFiles('mcp-servers', '.pi/mcp.json')],
    processes: [{ path: /\/pi-coding-agent\// }],
    copies: 'one',
    restartStep: 'End this Pi session and start it again: NAME starts with it.',
  },
  {
    id: 'mastra',
    name: 'Mastra Code',
    files: [homeFiles('mcp-servers', '.mastracode/mcp.json'), projectFiles('mcp-servers', '.mastracode/mcp.json')],
    processes: [{ path: /\/node_modules\/mastracode\// }, { program: /^mastracode$/ }],
    copies: 'one',
    restartStep: 'End this Mastra Code session and start it again: NAME starts with it.',
  },
  {
    id: 'fx',
    name: 'fx',
    files: [homeFiles('mcp-map', '.fx/mcp.json')],
    // As add-mcp 2.4.0 writes it.
    entryForm: 'opencode',
    copies: 'one',
    restartStep: 'End this fx session and start it again: NAME starts with it.',
  },
  {
    id: 'mcporter',
    name: 'MCPorter',
    files: [
      homeFiles('mcp-servers', '.mcporter/mcporter.json', '.mcporter/mcporter.jsonc'),
      projectFiles('mcp-servers', 'config/mcporter.json'),
    ],
    processes: [{ path: /\/node_modules\/mcporter\// }, { program: /^mcporter$/ }],
    copies: 'one',
    restartStep: 'Run “mcporter daemon restart”: NAME starts again with the next call.',
  },
  {
    id: 'openclaw',
    name: 'OpenClaw',
    files: [homeFiles('openclaw-config', '.openclaw/openclaw.json')],
    processes: [{ path: /\/node_modules\/openclaw\// }, { program: /^openclaw(-gateway)?$/ }],
    copies: 'one',
    restartStep: 'Run “openclaw gateway restart”: it restarts NAME and all other servers.',
  },
  {
    id: 'zcode',
    name: 'ZCode',
    files: [homeFiles('openclaw-config', '.zcode/cli/config.json'), projectFiles('openclaw-config', '.zcode/cli/config.json')],
    processes: [{ program: /^zcode$/ }],
    copies: 'one',
    restartStep: 'End this ZCode session and start it again: NAME starts with it.',
  },
  {
    id: 'lm-studio',
    name: 'LM Studio',
    files: [homeFiles('mcp-servers', '.lmstudio/mcp.json', '.cache/lm-studio/mcp.json')],
    processes: [{ path: /\/LM[ -]Studio(\.app|\/)/i }],
    copies: 'one',
    restartStep: 'In LM Studio open the chat’s integrations and choose “Force restart” for NAME.',
  },
  {
    id: 'boltai',
    name: 'BoltAI',
    systems: ['darwin'],
    files: [homeFiles('mcp-servers', '.boltai/mcp.json')],
    processes: [{ path: /\/BoltAI[^/]*\.app\// }],
    copies: 'one',
    restartStep: 'Quit BoltAI and open it again: it starts NAME again with all its servers.',
  },
  {
    id: 'factory-bridge',
    name: 'Factory Bridge',
    files: [desktopFiles('mcp-servers', 'Factory Bridge/mcp.json')],
    processes: [{ path: /\/Factory Bridge(\.app)?\// }],
    copies: 'one',
    restartStep: 'Quit Factory Bridge and open it again: it starts NAME again with all its servers.',
  },
  {
    id: 'witsy',
    name: 'Witsy',
    files: [desktopFiles('settings-mcp-servers', 'Witsy/settings.json')],
    processes: [{ path: /\/Witsy\.app\//i }, { program: /^witsy$/i }],
    copies: 'one',
    restartStep: 'In Witsy’s MCP settings switch NAME off and on again.',
  },
  {
    id: 'enconvo',
    name: 'Enconvo',
    systems: ['darwin'],
    files: [homeFiles('mcp-servers', '.config/enconvo/mcp_config.json')],
    processes: [{ path: /\/EnConvo\.app\//i }],
    copies: 'one',
    restartStep: 'Quit Enconvo and open it again: it starts NAME again with all its servers.',
  },
  {
    id: 'tome',
    name: 'Tome',
    files: [homeFiles('mcp-servers', '.tome/mcp_config.json')],
    processes: [{ path: /\/Tome\.app\// }],
    copies: 'one',
    restartStep: 'Quit Tome and open it again: it starts NAME again with all its servers.',
  },
  {
    id: 'sema4',
    name: 'Sema4.ai Studio',
    files: [homeFiles('dot-mcp', '.sema4ai/sema4ai-studio/mcp_servers.json')],
    copies: 'one',
    restartStep: 'Quit Sema4.ai Studio and open it again: it starts NAME again with all its servers.',
  },
  {
    id: 'librechat',
    name: 'LibreChat',
    files: [projectFiles('librechat-config', 'librechat.yaml')],
    copies: 'one',
    restartStep: 'In LibreChat’s MCP settings press the reconnect button of NAME, or restart LibreChat.',
  },
];
