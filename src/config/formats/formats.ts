import { resolve } from 'node:path';
import type { FormatId } from '../../clients/clientDescription.ts';
import { codexConfig } from './codexConfig.ts';
import { jsonCommandEdits } from './jsonCommandEdits.ts';
import { nodeAt, parseJsonc, plainValue, properties, property } from './jsonc.ts';
import { jsonFormat, problemThroughout, readMap } from './jsonServers.ts';
import { emptyServerFile, type FileProblem, type Format, type ServerEntry, type SwitchedOff, texts } from './serverFile.ts';

/**
 * `~/.claude.json` of Claude Code: the user's servers at the top, the local ones of each project under `projects["/its/path"]`, and there
 * the names that the user has switched off in that project. Captured from Claude Code 2.1.329.
 */
const claudeState: Format = {
  read(text) {
    const file = parseJsonc(text);
    const problems: FileProblem[] = file.problem ? [file.problem] : [];
    const entries: ServerEntry[] = [];
    const folders: string[] = [];
    const switchedOff: SwitchedOff[] = [];
    const userMap = property(file.root, 'mcpServers');
    if (userMap) {
      readMap(file, userMap, entries, problems);
    }
    for (const { name: folder, value: project } of properties(property(file.root, 'projects'))) {
      folders.push(folder);
      const map = property(project, 'mcpServers');
      const local: ServerEntry[] = [];
      if (map) {
        readMap(file, map, local, problems);
      }
      for (const entry of local) {
        entries.push({ ...entry, scope: 'local', folder });
      }
      switchedOff.push(
        { names: texts(plainValue(property(project, 'disabledMcpServers'))), folder, dotMcpOnly: false },
        { names: texts(plainValue(property(project, 'disabledMcpjsonServers'))), folder, dotMcpOnly: true },
      );
    }
    return { ...emptyServerFile, entries, problems, folders, switchedOff: switchedOff.filter(({ names }) => names.length > 0) };
  },
  edits: jsonCommandEdits((root, { name, folder }) => {
    if (folder === undefined) {
      return ['mcpServers', name];
    }
    const project = properties(property(root, 'projects')).find((item) => resolve(item.name) === folder);
    return project && ['projects', project.name, 'mcpServers', name];
  }),
};

/** Settings files that hold no servers but switch some off by name. */
function switchFormat(key: string, dotMcpOnly: boolean): Format {
  return {
    read(text) {
      const file = parseJsonc(text);
      if (!text.includes(key)) {
        return { ...emptyServerFile, problems: problemThroughout(file) };
      }
      const names = texts(plainValue(nodeAt(file.root, [key])));
      return {
        ...emptyServerFile,
        problems: file.problem ? [file.problem] : [],
        switchedOff: names.length === 0 ? [] : [{ names, dotMcpOnly }],
      };
    },
  };
}

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
