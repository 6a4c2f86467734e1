import type { WindowFacts } from '../../../src/extension/window/windowFacts.ts';
import type { Definition } from '../../../src/model/definition.ts';
import type { Finding } from '../../../src/model/finding.ts';
import type { Instance, Snapshot } from '../../../src/model/snapshot.ts';

/** The window that all samples are seen from. */
export const here: WindowFacts = {
  pid: 100,
  clientId: 'vscode',
  trusted: true,
  controllable: true,
  home: '/home/ann',
  busy: new Map(),
  stopped: new Set(),
  choices: { ignored: [], muted: [], onlyProblems: false, groupBy: 'client' },
};

export const now = Date.parse('2026-11-21T12:00:00Z');

export function definition(changes: Partial<Definition> = {}): Definition {
  return {
    id: 'd1',
    client: 'vscode',
    readBy: ['vscode', 'vscode-insiders', 'vscodium', 'code-server'],
    scope: 'workspace',
    file: '/home/ann/api/.vscode/mcp.json',
    line: 3,
    name: 'everything',
    transport: 'stdio',
    command: 'npx',
    args: ['-y', '@modelcontextprotocol/server-everything'],
    envNames: [],
    enabled: true,
    folder: '/home/ann/api',
    vscodeCollection: 'folder',
    findings: [],
    ...changes,
  };
}

export function instance(changes: Partial<Instance> = {}): Instance {
  const pid = changes.pid ?? 4711;
  return {
    id: `boot:1:${pid}:lx:5`,
    pid,
    startedAt: '2026-11-21T09:00:00Z',
    name: 'everything',
    definitions: ['d1'],
    client: { id: 'vscode', name: 'VS Code', pid: 100, identity: 'boot:1:100:lx:1' },
    launchers: [],
    command: 'node /home/ann/api/node_modules/.bin/mcp-server-everything stdio',
    cwd: '/home/ann/api',
    transport: 'stdio',
    background: false,
    package: {
      ecosystem: 'npm',
      name: '@modelcontextprotocol/server-everything',
      root: '/home/ann/api',
      running: '1.1.0',
      installed: '1.1.0',
    },
    changedDependencies: [],
    memoryBytes: 58 * 1024 ** 2,
    tree: [pid],
    findings: [],
    ...changes,
  };
}

export function stale(changes: Partial<Instance> = {}): Instance {
  return instance({
    package: {
      ecosystem: 'npm',
      name: '@modelcontextprotocol/server-everything',
      root: '/home/ann/api',
      running: '1.0.0',
      installed: '1.1.0',
    },
    findings: [finding()],
    ...changes,
  });
}

export function finding(changes: Partial<Finding> = {}): Finding {
  return {
    kind: 'stale',
    subKind: 'package',
    confidence: 'proven',
    message: 'everything 1.0.0 → 1.1.0',
    evidence: ['runs everything 1.0.0 since 10:00 (PID 4711); everything 1.1.0 was installed 11:30'],
    since: '2026-11-21T11:30:00Z',
    actions: [{ kind: 'restart' }],
    ...changes,
  };
}

/** Claude Code's copy of a server. */
export const claude = { id: 'claude-code', name: 'Claude Code', pid: 200, identity: 'boot:1:200:lx:1' } as const;

export function snapshot(changes: Partial<Snapshot> = {}): Snapshot {
  return {
    schema: 1,
    at: new Date(now).toISOString(),
    clients: [
      { id: 'vscode', name: 'VS Code' },
      { id: 'claude-code', name: 'Claude Code' },
    ],
    definitions: [definition()],
    instances: [instance()],
    problems: [],
    ...changes,
  };
}
