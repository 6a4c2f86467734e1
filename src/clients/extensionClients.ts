import type { ClientRow } from './clientDescription.ts';
import { extensionFiles, filesIn, homeFiles, projectFiles } from './clientFiles.ts';

/**
 * Extensions that start servers themselves, inside the window of whichever editor of VS Code's family they are installed in. Extensions that offer servers to the
 * editor (`mcpServerDefinitionProviders`) name no command in a file. Sources: their source code and documentation.
 */
export const extensionClients: readonly ClientRow[] = [
  {
    id: 'cline',
    name: 'Cline',
    files: [
      extensionFiles('mcp-servers', 'globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json'),
      filesIn('mcp-servers', 'CLINE_DIR', '.cline', 'data/settings/cline_mcp_settings.json'),
    ],
    processes: [{ program: /^cline(-host|-core)?$/ }],
    inEditors: true,
    copies: 'one',
    afterStop: 'stays-down',
    restartsOnChange: true,
    restartStep: 'In Cline open MCP Servers, Configure, and press the restart button of NAME.',
  },
  {
    id: 'roo',
    name: 'Roo Code',
    files: [
      extensionFiles('mcp-servers', 'globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json'),
      projectFiles('mcp-servers', '.roo/mcp.json'),
    ],
    inEditors: true,
    copies: 'one',
    afterStop: 'stays-down',
    restartsOnChange: true,
    restartStep: 'In Roo Code open MCP Servers and press the restart button of NAME.',
  },
  {
    id: 'continue',
    name: 'Continue',
    files: [
      homeFiles('continue-config', '.continue/config.yaml', '.continue/mcpServers/*.yaml', '.continue/mcpServers/*.yml'),
      homeFiles('dot-mcp', '.continue/mcpServers/*.json'),
      projectFiles('continue-config', '.continue/mcpServers/*.yaml', '.continue/mcpServers/*.yml'),
      projectFiles('dot-mcp', '.continue/mcpServers/*.json'),
    ],
    processes: [{ path: /@continuedev\/cli\// }, { program: /^cn$/, path: /continue/ }],
    inEditors: true,
    precedence: 'apart',
    copies: 'one',
    restartStep: 'In Continue open the settings of its tools and press the reload button of NAME; on the command line start a new session.',
  },
  {
    id: 'augment',
    name: 'Augment',
    files: [extensionFiles('augment-settings', 'settings.json')],
    inEditors: true,
    copies: 'one',
    restartStep: 'In Augment’s settings panel press the refresh button of NAME, or reload the window.',
  },
];
