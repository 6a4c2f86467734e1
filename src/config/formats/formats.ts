import type { FormatId } from '../../clients/clientDescription.ts';
import { claudeState, switchFormat } from './claudeFiles.ts';
import { codexConfig } from './codexConfig.ts';
import { jsonFormat } from './jsonServers.ts';
import type { Format } from './serverFile.ts';

const switches = { allowed: ['mcp', 'allowed'], excluded: ['mcp', 'excluded'] };

const formatTable = {
  /** VS Code's `mcp.json`. */
  'vscode-mcp': jsonFormat({ maps: [['servers']] }),
  /** VS Code's `settings.json`, where servers stood before `mcp.json`; VS Code splits names with dots itself. */
  'vscode-settings': jsonFormat({ maps: [['mcp', 'servers'], ['mcp.servers']], concernsUsWith: '"mcp' }),
  /** A `.code-workspace`. */
  'vscode-workspace': jsonFormat({
    maps: [
      ['settings', 'mcp', 'servers'],
      ['settings', 'mcp.servers'],
      ['mcp', 'servers'],
    ],
    concernsUsWith: '"mcp',
  }),
  /** What most clients have. */
  'mcp-servers': jsonFormat({ maps: [['mcpServers']] }),
  /** `.mcp.json` in a project's root: `mcpServers`, or the map alone; Visual Studio writes `servers`. */
  'dot-mcp': jsonFormat({ maps: [['mcpServers'], ['servers']], bareMap: true }),
  'gemini-settings': jsonFormat({ maps: [['mcpServers']], ...switches, concernsUsWith: '"mcpServers"', plainUrl: 'http' }),
  'qwen-settings': jsonFormat({ maps: [['mcpServers']], ...switches, concernsUsWith: '"mcpServers"', plainUrl: 'sse' }),
  'amp-settings': jsonFormat({ maps: [['amp.mcpServers']] }),
  /**
   * `opencode.json`: `mcp.NAME`, or `mcp.servers.NAME` beside shared settings (version 2); 1.18 reads both, in one file too, and keeps the first
   * where they name the same.
   */
  'opencode-config': jsonFormat({ maps: [['mcp'], ['mcp', 'servers']], besides: ['servers', 'timeout'], concernsUsWith: '"mcp"' }),
  'claude-state': claudeState,
  'claude-settings': switchFormat('disabledMcpjsonServers', true),
  'copilot-settings': switchFormat('disabledMcpServers', false),
  'codex-config': codexConfig,
} satisfies Record<FormatId, Format>;

/** How a file of this shape is read. */
export function formatOf(id: FormatId): Format {
  return formatTable[id];
}

/** The same by the name that a definition carries. */
export function formatNamed(id: string): Format | undefined {
  return Object.hasOwn(formatTable, id) ? formatTable[id as FormatId] : undefined;
}
