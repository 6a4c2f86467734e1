import { resolve } from 'node:path';
import type { FormatId, YamlFormatId } from '../../clients/clientDescription.ts';
import { codexConfig, vibeConfig } from './codexConfig.ts';
import type { CommandEdits } from './commandEdits.ts';
import { jsonCommandEdits } from './jsonCommandEdits.ts';
import { nodeAt, parseJsonc, plainValue, properties, property } from './jsonc.ts';
import { jsonFormat, problemThroughout, readMap } from './jsonServers.ts';
import { extensionStates, localMarketplaces, marketplace, pluginList, statesIn } from './pluginFiles.ts';
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

/** The same files without edits: an update of what they belong to overwrites them, or an edit cannot find the entry. */
function readOnly({ read }: Format): Format {
  return { read };
}

/**
 * `manifest.json` of an extension of Claude Desktop (`.mcpb`): one server, by the specification of MCPB. What it starts on another system (`platform_overrides`) is not
 * read.
 */
const mcpbManifest: Format = {
  read(text) {
    const file = parseJsonc(text);
    const launch = nodeAt(file.root, ['server', 'mcp_config']);
    const name = plainValue(property(file.root, 'name'));
    const entries =
      launch === undefined || typeof name !== 'string' || file.isBroken(launch)
        ? []
        : [{ name, line: file.position(property(file.root, 'name')?.offset ?? 0).line, value: plainValue(launch) }];
    return { ...emptyServerFile, entries, problems: file.problem ? [file.problem] : [] };
  },
};

/** Settings files that hold no servers but switch some off by name. */
function switchFormat(key: string, dotMcpOnly: boolean): Format {
  return {
    read(text) {
      const file = parseJsonc(text);
      const plugins = {
        pluginStates: statesIn(plainValue(property(file.root, 'enabledPlugins'))),
        marketplaces: localMarketplaces(plainValue(property(file.root, 'extraKnownMarketplaces'))),
      };
      if (!text.includes(key)) {
        return { ...emptyServerFile, problems: problemThroughout(file), ...plugins };
      }
      const names = texts(plainValue(nodeAt(file.root, [key])));
      return {
        ...emptyServerFile,
        problems: file.problem ? [file.problem] : [],
        switchedOff: names.length === 0 ? [] : [{ names, dotMcpOnly }],
        ...plugins,
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
  /** The format of most clients. */
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
  /** Copilot in JetBrains' editors and in Xcode: `servers`, or `mcpServers`. */
  'copilot-ide': jsonFormat({ maps: [['servers'], ['mcpServers']] }),
  /** Kiro: its powers are beside the user's servers. */
  'kiro-mcp': jsonFormat({ maps: [['mcpServers'], ['powers', 'mcpServers']] }),
  /** Crush and fx. */
  'mcp-map': jsonFormat({ maps: [['mcp']], concernsUsWith: '"mcp"' }),
  /** Settings of other programs with the same key. */
  'settings-mcp-servers': jsonFormat({ maps: [['mcpServers']], concernsUsWith: '"mcpServers"' }),
  /** OpenClaw and ZCode. */
  'openclaw-config': jsonFormat({ maps: [['mcp', 'servers']], concernsUsWith: '"mcp"' }),
  /** Zed's settings. */
  'context-servers': jsonFormat({ maps: [['context_servers']], concernsUsWith: '"context_servers"' }),
  /** Augment's extension, in the settings of VS Code. */
  'augment-settings': readOnly(
    jsonFormat({
      maps: [
        ['augment.advanced', 'mcpServers'],
        ['augment', 'advanced', 'mcpServers'],
      ],
      list: true,
      concernsUsWith: '"augment',
    }),
  ),
  'plugin-mcp': readOnly(jsonFormat({ maps: [['mcpServers']], bareMap: true })),
  'plugin-manifest': readOnly(jsonFormat({ maps: [['mcpServers']], manifest: true })),
  'plugin-list': pluginList,
  marketplace,
  'extension-states': extensionStates,
  'mcpb-manifest': mcpbManifest,
  'vibe-config': vibeConfig,
  'claude-state': claudeState,
  'claude-settings': switchFormat('disabledMcpjsonServers', true),
  'copilot-settings': switchFormat('disabledMcpServers', false),
  'codex-config': codexConfig,
} satisfies Record<Exclude<FormatId, YamlFormatId>, Format>;

/** How a file of this shape is read. The module for YAML is loaded when it is first needed. */
export async function formatOf(id: FormatId): Promise<Format> {
  const known = formatNamed(id);
  return known ?? (await import('./yamlServers.ts')).yamlFormats[id as YamlFormatId];
}

/** The editor of entries of a definition's file; undefined where files of its format are only read. @param id the name that the definition carries */
export async function editsOf(id: string | undefined): Promise<CommandEdits | undefined> {
  return id === undefined ? undefined : (await formatOf(id as FormatId)).edits;
}

/** A format that is loaded already; undefined for YAML. @param id the name that a definition carries */
export function formatNamed(id: string): Format | undefined {
  return Object.hasOwn(formatTable, id) ? formatTable[id as keyof typeof formatTable] : undefined;
}
