import type { Definition } from '../../../src/model/definition.ts';
import type { Finding } from '../../../src/model/finding.ts';
import type { ClientInstance, Instance, Snapshot } from '../../../src/model/snapshot.ts';

/** The moment at which the fixtures were "taken". */
export const fixtureNow = Date.parse('2026-11-21T14:02:05.000Z');

const hour = 3_600_000;

export function ago(ms: number): string {
  return new Date(fixtureNow - ms).toISOString();
}

export function client(id: string, name: string, pid: number): ClientInstance {
  return { id, name, pid, identity: `boot:4026531836:${pid}:lx:${pid}00` };
}

export function definition(part: Partial<Definition> & Pick<Definition, 'name'>): Definition {
  return {
    id: `id-${part.client ?? 'vscode'}-${part.name}`,
    client: 'vscode',
    readBy: ['vscode'],
    scope: 'user',
    file: '/home/ada/.config/Code/User/mcp.json',
    line: 3,
    transport: 'stdio',
    args: [],
    envNames: [],
    enabled: true,
    findings: [],
    ...part,
  };
}

export function finding(part: Partial<Finding> & Pick<Finding, 'kind'>): Finding {
  return { confidence: 'proven', message: `${part.kind} it is`, evidence: [], since: ago(hour), actions: [], ...part };
}

export function instance(part: Partial<Instance> & Pick<Instance, 'name' | 'pid'>): Instance {
  return {
    id: `boot:4026531836:${part.pid}:lx:${part.pid}00`,
    startedAt: ago(3 * hour + 10 * 60_000),
    definitions: [],
    client: null,
    launchers: [],
    command: `node /srv/${part.name}.js`,
    cwd: '/home/ada/shop',
    transport: 'stdio',
    background: false,
    package: null,
    changedDependencies: [],
    memoryBytes: 85 * 1024 ** 2,
    tree: [part.pid],
    findings: [],
    ...part,
  };
}

export function snapshot(part: Partial<Snapshot> = {}): Snapshot {
  return { schema: 1, at: new Date(fixtureNow).toISOString(), clients: [], definitions: [], instances: [], problems: [], ...part };
}

/** Two VS Code and Claude Code sessions with a bit of everything that a status can show. */
export function busySnapshot(): Snapshot {
  const vscode = client('vscode', 'VS Code', 4711);
  const first = client('claude-code', 'Claude Code', 5001);
  const second = client('claude-code', 'Claude Code', 5022);
  const npm = { ecosystem: 'npm', root: '/home/ada/.npm/_npx/abc' } as const;
  const python = { ecosystem: 'python', root: '/home/ada/venv' } as const;
  return snapshot({
    clients: [
      { id: 'vscode', name: 'VS Code' },
      { id: 'claude-code', name: 'Claude Code' },
      { id: 'cursor', name: 'Cursor' },
    ],
    definitions: [
      definition({ id: 'd1', name: 'everything', command: 'npx' }),
      definition({ id: 'd2', name: 'memory', command: 'npx' }),
      definition({ id: 'd3', name: 'chroma', client: 'claude-code', command: 'uvx' }),
      definition({ id: 'd4', name: 'github', client: 'claude-code', transport: 'http', url: 'https://api.example.com/mcp/' }),
      definition({ id: 'd5', name: 'old-notes', client: 'cursor', enabled: false, command: 'node' }),
      definition({ id: 'd6', name: 'postgres', client: 'cursor', command: 'docker' }),
    ],
    instances: [
      instance({
        name: 'everything',
        pid: 4801,
        definitions: ['d1'],
        client: vscode,
        package: { ...npm, name: '@modelcontextprotocol/server-everything', running: '2026.1.26', installed: '2026.8.31' },
        findings: [finding({ kind: 'stale', subKind: 'package' })],
      }),
      instance({
        name: 'memory',
        pid: 4822,
        definitions: ['d2'],
        client: vscode,
        startedAt: ago(12_000),
        package: { ...npm, name: '@modelcontextprotocol/server-memory', running: '2026.8.31', installed: '2026.8.31' },
      }),
      instance({
        name: 'chroma',
        pid: 5103,
        definitions: ['d3'],
        client: first,
        memoryBytes: Math.round(1.3 * 1024 ** 3),
        startedAt: ago(98 * hour),
        package: { ...python, name: 'chroma-mcp', running: '0.2.6', installed: '0.2.6', latest: '0.3.0' },
        changedDependencies: [
          { name: 'chromadb', running: '0.6.3', installed: '1.5.7', direction: 'upgrade' },
          { name: 'onnxruntime', running: '1.20.0', installed: '1.24.1', direction: 'upgrade' },
          { name: 'posthog', running: '3.7.0', direction: 'removed' },
        ],
        findings: [
          finding({ kind: 'duplicate', message: 'Claude Code (PID 5001) runs chroma more than once: this copy and the newer PID 5110' }),
          finding({ kind: 'stale', subKind: 'dependency', confidence: 'likely' }),
        ],
      }),
      instance({
        name: 'chroma',
        pid: 5201,
        definitions: ['d3'],
        client: second,
        unknown: 'it started a moment ago',
        startedAt: ago(900),
        package: { ...python, name: 'chroma-mcp', running: null, installed: '0.2.6' },
      }),
      instance({
        name: 'memory',
        pid: 3990,
        definitions: ['d2'],
        startedAt: ago(50 * hour),
        package: { ...npm, name: '@modelcontextprotocol/server-memory', running: '2026.8.31', installed: '2026.8.31' },
        findings: [finding({ kind: 'orphan', message: 'left running after VS Code exited' })],
      }),
      instance({
        name: 'my-server.js',
        pid: 6010,
        client: client('unknown', 'bash', 800),
        unknown: 'no package was found for it',
        transport: 'unknown',
      }),
    ],
    problems: [
      {
        source: 'config',
        message: 'Expected a comma or "}" here; nothing of this file is used until it is mended',
        file: '/home/ada/.gemini/settings.json',
        line: 12,
        column: 5,
      },
      { source: 'process', message: 'The open files of 3 processes of other users cannot be read' },
    ],
  });
}
