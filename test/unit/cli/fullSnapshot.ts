import type { Snapshot } from '../../../src/model/snapshot.ts';

/** Every optional field is there: a field that is added to the types must be added here, or this file does not compile. */
type Full<T> = T extends readonly (infer Item)[]
  ? readonly Full<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]-?: Full<Exclude<T[Key], undefined>> }
    : T;

const at = '2026-11-21T14:02:05.000Z';
/** What the records of guards have in common. */
const recorded = {
  state: 'running',
  locks: [{ key: '790c174a5488f42f39c053b600236aa7', kind: 'port', resource: 'tcp:8931' }],
  control: ['status'],
  idleSince: at,
  problem: 'it ended',
  staleWrites: { calls: 3, from: at, to: at, tools: [{ name: 'create_entities', calls: 2 }] },
  refused: { calls: 1, last: 'Not executed', at },
  ends: { last: [{ at, code: 3, signal: 'SIGSEGV' }], errors: ['no database'] },
} as const;

/** A snapshot in which everything that the types allow occurs. */
export const fullSnapshot: Full<Snapshot> = {
  schema: 1,
  at,
  clients: [{ id: 'vscode', name: 'VS Code' }],
  definitions: [
    {
      id: '0011223344556677',
      client: 'vscode',
      readBy: ['vscode', 'claude-code'],
      scope: 'workspace',
      file: '/home/ada/shop/.vscode/mcp.json',
      line: 4,
      name: 'everything',
      transport: 'stdio',
      command: 'npx',
      args: ['-y', '@modelcontextprotocol/server-everything'],
      envNames: ['API_KEY'],
      cwd: '/home/ada/shop',
      url: 'http://127.0.0.1:3000/mcp',
      enabled: true,
      folder: '/home/ada/shop',
      replacedBy: [{ file: '/w/.vscode/mcp.json', line: 3, folder: '/w' }],
      vscodeCollection: 'folder',
      guarded: true,
      port: { number: 3000, holder: 'stranger', pid: 4711, holderReason: 'it is another kind of server', holderCommand: 'postgres' },
      findings: [
        {
          kind: 'config-changed',
          subKind: 'source',
          confidence: 'unknown',
          message: 'The arguments were changed',
          evidence: ['args differ'],
          since: at,
          sinceAtMost: true,
          minor: true,
          actions: [],
        },
      ],
    },
  ],
  instances: [
    {
      id: 'b:4026531836:4711:lx:99',
      pid: 4711,
      startedAt: at,
      name: 'everything',
      definitions: ['0011223344556677'],
      client: { id: 'vscode', name: 'VS Code', pid: 4000, identity: 'b:4026531836:4000:lx:90' },
      launchers: [{ pid: 4710, kind: 'npm exec', command: 'npm exec @modelcontextprotocol/server-everything' }],
      command: 'node /home/ada/.npm/_npx/abc/node_modules/.bin/mcp-server-everything',
      cwd: '/home/ada/shop',
      transport: 'stdio',
      background: false,
      guarded: true,
      package: {
        ecosystem: 'npm',
        name: '@modelcontextprotocol/server-everything',
        root: '/home/ada/.npm/_npx/abc',
        running: '2026.1.26',
        installed: '2026.8.31',
        direction: 'upgrade',
        latest: '2026.9.1',
        origin: 'recorded',
      },
      record: {
        id: '0123456789abcdef0123456789abcdef',
        serverId: 'everything',
        state: 'running',
        exclusion: 'flock',
        locks: [{ key: 'eb337064906290ea708dbd9debf06fe4', kind: 'path', resource: '/home/ada/data' }],
        control: ['status', 'restart', 'stop'],
        guardPid: 4709,
        idleSince: at,
        problem: 'it refused initialize: no database',
        staleWrites: { calls: 3, from: at, to: at, tools: [{ name: 'create_entities', calls: 2 }] },
        refused: { calls: 3, last: 'Not executed: it runs zod 3.25.0, installed is 4.1.0', at },
        ends: {
          last: [{ at, code: 3, signal: 'SIGSEGV' }],
          errors: ['no database'],
        },
        start: {
          state: 'on-demand',
          why: 'tools/call needs it',
          since: at,
          awake: 'it has a child process (PID 9)',
          spared: 3,
          memoryBytes: 75_000_000,
        },
      },
      unknown: 'dependencies not compared: no lock file',
      changedDependencies: [{ name: 'zod', running: '3.25.0', installed: '3.25.0', direction: 'content', inPlace: true }],
      memoryBytes: 90_000_000,
      idleSince: at,
      tree: [4711, 4710],
      treeMemory: [60_000_000, 20_000_000],
      listens: { port: 3000, health: { status: 'ok', version: '2026.1.26', started: at, uptimeSeconds: 12.5 } },
      usedBy: [{ id: 'vscode', name: 'VS Code', pid: 4000, identity: 'b:4026531836:4000:lx:90' }],
      findings: [
        {
          kind: 'stale',
          subKind: 'package',
          confidence: 'proven',
          message: 'runs 2026.1.26, installed is 2026.8.31',
          evidence: ['recorded while it ran'],
          since: at,
          sinceAtMost: true,
          minor: true,
          actions: [
            { kind: 'restart' },
            { kind: 'manual', step: 'In Claude Code: /mcp, choose everything, Reconnect.', held: true },
            { kind: 'end' },
            { kind: 'upgrade', argv: ['npm', 'install', '--prefix', '/home/ada/shop', 'server@2.0.0'], cwd: '/home/ada/shop' },
            { kind: 'reveal', file: '/home/ada/shop/.vscode/mcp.json', line: 4 },
          ],
        },
      ],
      evidence: {
        firstSeenAt: at,
        program: '/usr/bin/node',
        unreadable: ['environment: permission denied'],
        match: { confidence: 'proven', why: ['its command line is the one of the entry (everything)'] },
        source: {
          entry: '/home/ada/.npm/_npx/abc/node_modules/.bin/mcp-server-everything',
          how: 'the script on its command line',
          editable: false,
          metadata: '/home/ada/.npm/_npx/abc/node_modules/@modelcontextprotocol/server-everything/package.json',
          packages: 92,
        },
        baseline: {
          takenAt: at,
          trust: 'before-start',
          packages: 92,
          written: '/home/ada/venv/lib/python3.11/site-packages/chroma_mcp/server.py',
          record: '/home/ada/.mcp-run/shepherd/facts/0.baseline.json',
        },
        compared: [{ what: 'its program, by content', recordedAt: at }],
      },
    },
  ],
  notStarted: [
    {
      guardPid: 5100,
      name: 'lazy',
      definitions: ['lazy-definition'],
      client: { id: 'claude-code', name: 'Claude Code', pid: 4000, identity: 'boot:1:4000:lx:1' },
      record: {
        id: '0123456789abcdeffedcba9876543210',
        serverId: 'node',
        exclusion: 'none',
        guardPid: 5100,
        ...recorded,
        start: {
          state: 'not-started',
          why: 'tools/call needs it',
          since: at,
          awake: 'it offers tasks',
          spared: 12,
          memoryBytes: 78_000_000,
        },
      },
    },
  ],
  otherHolders: [
    {
      pid: 5000,
      program: 'backup',
      record: {
        id: 'fedcba9876543210fedcba9876543210',
        serverId: 'backup',
        exclusion: 'flock',
        guardPid: 4999,
        ...recorded,
        start: {
          state: 'on-demand',
          why: 'tools/call needs it',
          since: at,
          awake: 'it has a child process (PID 9)',
          spared: 3,
          memoryBytes: 75_000_000,
        },
      },
    },
  ],
  health: [
    {
      kind: 'command-missing',
      level: 'warning',
      definition: '0123456789abcdef',
      name: 'notes',
      client: 'vscode',
      file: '/home/me/work/.vscode/mcp.json',
      line: 3,
      message: 'VS Code cannot start notes: /opt/notes does not exist. notes is now /usr/local/bin/notes.',
      fix: { kind: 'program', path: '/usr/local/bin/notes' },
    },
  ],
  problems: [
    { source: 'config', message: 'Unexpected end', pid: 4711, client: 'cursor', file: '/home/ada/.cursor/mcp.json', line: 3, column: 7 },
  ],
};
