import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installServer } from '../system/npmServer.ts';

/** The server that becomes stale: two published versions of a real one. */
export const staleServer = { name: '@modelcontextprotocol/server-everything', old: '2026.1.26', new: '2026.8.31' } as const;

/** The arguments for `node`, by the name of the server in its client's configuration. */
type DemoServers = {
  readonly everything: readonly string[];
  readonly memory: readonly string[];
  readonly files: readonly string[];
  readonly thinking: readonly string[];
};

/** Installs real servers from npm: the old version of one into the project that VS Code opens, the others into a tools folder of the home. */
export async function installDemoServers(project: string, tools: string, stubborn: string): Promise<DemoServers> {
  for (const folder of [project, tools]) {
    mkdirSync(folder, { recursive: true });
  }
  const [everything, [memory, files, thinking]] = await Promise.all([
    installServer(project, staleServer.name, staleServer.old),
    installTools(tools),
  ]);
  return {
    everything: [everything, 'stdio'],
    memory: [memory],
    files: [files, project],
    thinking: ['--require', stubborn, thinking],
  };
}

/** One after the other: two npm runs in one folder would overwrite each other's work. */
async function installTools(tools: string): Promise<[memory: string, files: string, thinking: string]> {
  return [
    await installServer(tools, '@modelcontextprotocol/server-memory', '2026.8.31'),
    await installServer(tools, '@modelcontextprotocol/server-filesystem', '2026.8.31'),
    await installServer(tools, '@modelcontextprotocol/server-sequential-thinking', 'latest'),
  ];
}

/** Writes the configuration files of the two clients of the demo. */
export function writeDemoConfiguration(home: string, project: string, servers: DemoServers): void {
  const entry = (args: readonly string[]): object => ({ type: 'stdio', command: 'node', args });
  mkdirSync(join(project, '.vscode'), { recursive: true });
  writeFileSync(join(project, '.vscode', 'mcp.json'), json({ servers: { everything: entry(servers.everything) } }));
  writeFileSync(
    join(home, '.claude.json'),
    json({ mcpServers: { memory: entry(servers.memory), files: entry(servers.files), thinking: entry(servers.thinking) } }),
  );
}

function json(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
