import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import type { RawDefinition } from '../../../../src/model/definition.ts';
import type { HealthNote } from '../../../../src/model/entryHealth.ts';
import { createRedactor } from '../../../../src/redaction/redactor.ts';
import type { HealthFacts, PathContent } from '../../../../src/survey/health/healthFacts.ts';
import { judgeHealth } from '../../../../src/survey/health/judgeHealth.ts';
import { Tree } from '../../config/tree.ts';

const token = `ghp_${'a1B2c3D4e5'.repeat(3)}`;

const entry = (more: Partial<RawDefinition> = {}): RawDefinition => ({
  id: more.name ?? 'notes',
  client: 'claude-code',
  readBy: [more.client ?? 'claude-code'],
  scope: 'user',
  file: '/home/me/.claude.json',
  format: 'claude-state',
  line: 3,
  name: 'notes',
  transport: 'stdio',
  command: '/usr/bin/node',
  args: [],
  env: {},
  secrets: [],
  enabled: true,
  ...more,
});

interface World {
  readonly files?: Readonly<Record<string, PathContent>>;
  readonly path?: string;
  readonly running?: Readonly<Record<string, string>>;
  readonly facts?: Partial<HealthFacts>;
}

/** The remarks about entries in a world that has these files and /usr/bin/node. */
function notes(
  entries: readonly RawDefinition[],
  { files = {}, path = '/usr/bin:/bin', running = {}, facts = {} }: World = {},
): HealthNote[] {
  const there: Readonly<Record<string, PathContent>> = { '/usr/bin/node': 'program', ...files };
  return judgeHealth(
    entries,
    {
      home: '/home/me',
      platform: 'linux',
      env: { PATH: path },
      inTerminal: true,
      running: new Map(Object.entries(running).map(([id, value]) => [id, [new Map([['PATH', value]])]])),
      look: (at) => there[at] ?? 'absent',
      ...facts,
    },
    createRedactor(entries.flatMap(({ secrets }) => secrets)),
  );
}

const kinds = (...args: Parameters<typeof notes>): string[] => notes(...args).map(({ kind, level }) => `${kind} ${level}`);
const one = (...args: Parameters<typeof notes>): HealthNote => {
  const [note, ...more] = notes(...args);
  ok(note && more.length === 0, JSON.stringify([note, ...more]));
  return note;
};

describe('judgeHealth', () => {
  describe('files of clients, where everything that they name is there', () => {
    for (const fixture of ['captured', 'written', 'opencode', 'opencode-written', 'addmcp', 'handmade', 'plugins', 'windows']) {
      it(`${fixture}: no warning`, async () => {
        const tree = new Tree();
        try {
          tree.copy(fixture, tree.root);
          if (fixture === 'windows') {
            tree.copy(fixture, tree.home);
          } else if (existsSync(join(tree.root, 'project'))) {
            cpSync(join(tree.root, 'project'), tree.project, { recursive: true });
          }
          const { definitions } = await tree.discover(fixture === 'windows' ? { platform: 'win32' } : {});
          ok(definitions.length > 0);
          for (const platform of ['linux', 'darwin', 'win32'] as const) {
            const world: World = {
              facts: { home: tree.home, platform, look: () => 'program', env: { PATH: '/bin', GITHUB_TOKEN: 'x' } },
            };
            deepEqual(
              notes(definitions, world).filter(({ level }) => level === 'warning'),
              [],
              platform,
            );
          }
        } finally {
          tree.remove();
        }
      });
    }
  });

  describe('the program of an entry', () => {
    it('is missing at its path, with the entry and its line', () => {
      const note = one([entry({ command: '/opt/gone/server' })]);
      deepEqual([note.kind, note.level, note.file, note.line], ['command-missing', 'warning', '/home/me/.claude.json', 3]);
      match(note.message, /\/opt\/gone\/server/);
      equal(note.fix, undefined);
    });
    it('is on no PATH', () => equal(one([entry({ command: 'notes-server' })]).kind, 'command-missing'));
    for (const [what, more, world] of [
      ['is there', { command: 'node' }, {}],
      ['may not be looked at', { command: '/root/server' }, { files: { '/root/server': 'unknown' } }],
      ['depends on a variable', { command: '${TOOLS_DIR}/server' }, { facts: { env: { PATH: '', TOOLS_DIR: '/x' } } }],
      [
        'is searched on a PATH with a variable',
        { command: 'notes-server', env: { PATH: '${EXTRA}:/x' } },
        { facts: { env: { PATH: '', EXTRA: '/x' } } },
      ],
      ['is on the PATH of the entry', { command: 'notes-server', env: { PATH: '/x' } }, { files: { '/x/notes-server': 'program' } }],
      [
        'may come from a version manager of another shell',
        { client: 'cursor', command: 'npx', args: ['a@1.0.0'] },
        { files: { '/home/me/.nvm': 'folder' } },
      ],
      ['is on a network share', { command: '\\\\host\\share\\server.exe' }, { facts: { platform: 'win32' } }],
      ['is switched off', { command: '/opt/gone/server', enabled: false }, {}],
      ['is brought by a plugin', { command: '/opt/gone/server', plugin: '/opt/gone' }, {}],
    ] as const satisfies readonly [string, Partial<RawDefinition>, World][]) {
      it(`says nothing where it ${what}`, () => deepEqual(kinds([entry(more)], world), []));
    }
    it('a program of Windows is found by the extensions of PATHEXT', () => {
      const world = { path: 'C:\\bin', facts: { platform: 'win32' }, files: { 'C:\\bin\\uvx.exe': 'program' } } as const;
      deepEqual(kinds([entry({ client: 'cursor', command: 'uvx', args: ['x==1.0'] })], world), []);
      deepEqual(kinds([entry({ client: 'cursor', command: 'uv-x', args: [] })], world), ['command-missing warning']);
    });
    it('is found by the shell and not by the client that runs', () => {
      const world = { files: { '/home/me/.local/bin/uvx': 'program' }, path: '/home/me/.local/bin:/usr/bin' } as const;
      const fetch = entry({ client: 'claude-desktop', format: 'mcp-servers', command: 'uvx', args: ['mcp-server-fetch==1.0'] });
      deepEqual(kinds([fetch], world), [], 'on Linux nothing shows its PATH while it does not run');
      const note = one([fetch], { ...world, running: { 'claude-desktop': '/usr/bin:/bin' } });
      deepEqual([note.kind, note.fix], ['command-hidden', { kind: 'program', path: '/home/me/.local/bin/uvx' }]);
      deepEqual(kinds([fetch], { ...world, running: { 'claude-desktop': '/home/me/.local/bin' } }), []);
      deepEqual(kinds([fetch], { ...world, facts: { platform: 'darwin' } }), ['command-hidden warning'], 'macOS gives it a known PATH');
    });
    it('in a versioned folder, or with a script’s interpreter, there is not one right answer', () => {
      const npx = entry({ client: 'claude-desktop', format: 'mcp-servers', command: 'npx', args: ['a@1.0.0'] });
      const running = { 'claude-desktop': '/usr/bin' };
      const at = (path: string) => notes([npx], { running, path, files: { [`${path}/npx`]: 'program' } });
      deepEqual(at('/home/me/.nvm/versions/node/v22.1.0/bin'), [], 'it searches the folders of nvm itself');
      for (const folder of ['/home/me/.local/share/fnm/node-versions/v22.1.0/installation/bin', '/home/me/.npm/bin']) {
        const [note] = at(folder);
        deepEqual([note?.kind, note?.fix], ['command-hidden', undefined]);
      }
      equal(at('/home/me/.volta/bin')[0]?.fix?.kind, 'program');
    });
    it('was in the folder of a version that is gone', () => {
      const old = entry({ command: '/home/me/.local/share/mise/installs/uv/0.8.1/uvx', args: ['a==1.0'] });
      const note = one([old], { files: { '/usr/local/bin/uvx': 'program' } });
      deepEqual(note.fix, { kind: 'program', path: '/usr/local/bin/uvx' });
      equal(one([old], { files: { '/opt/uv/0.9.1/uvx': 'program' }, path: '/opt/uv/0.9.1' }).fix, undefined);
    });
    it('npx needs cmd on Windows for the client whose documentation asks for it', () => {
      const world = { path: 'C:\\node', facts: { platform: 'win32' }, files: { 'C:\\node\\npx.cmd': 'program' } } as const;
      const note = one([entry({ command: 'npx', args: ['a@1.0.0'] })], world);
      deepEqual([note.kind, note.level, note.fix], ['needs-cmd', 'information', { kind: 'cmd' }]);
      deepEqual(kinds([entry({ client: 'cursor', command: 'npx', args: ['a@1.0.0'] })], world), []);
      deepEqual(
        kinds([entry({ command: 'cmd', args: ['/c', 'npx', 'a@1.0.0'] })], { ...world, files: { 'C:\\node\\cmd.exe': 'program' } }),
        [],
      );
    });
  });

  describe('files', () => {
    const gone = ['file-missing warning'];
    for (const [what, more, expected] of [
      ['a script', { args: ['/w/dist/index.js'] }, gone],
      ['a script with options of node', { args: ['--enable-source-maps', '/w/gone.mjs', '--x', '/nowhere'] }, gone],
      ['a script below the project', { args: ['dist/index.js'], folder: '/w' }, gone],
      ['a script below an unknown folder', { args: ['dist/index.js'] }, []],
      ['a working directory', { cwd: '/w/gone' }, gone],
      ['a script that Node completes', { args: ['/w/there'] }, []],
      ['a folder', { args: ['/w/folder'] }, []],
      ['a file of another machine', { command: '/usr/bin/ssh', args: ['host', 'node', '/w/gone.js'] }, []],
      ['an argument of the server', { args: ['/w/there.js', '/w/gone'] }, []],
      ['a script in a variable', { args: ['${CLAUDE_PROJECT_DIR}/gone.js'] }, []],
      ['code on the command line', { args: ['-e', 'require("/w/gone.js")'] }, []],
      ['a script of Python behind env', { command: '/usr/bin/env', args: ['python3', '/w/gone.py'] }, gone],
    ] as const satisfies readonly [string, Partial<RawDefinition>, readonly string[]][]) {
      it(what, () =>
        deepEqual(
          kinds([entry(more)], {
            files: { '/w/there.js': 'file', '/w/folder': 'folder', '/usr/bin/env': 'program', '/usr/bin/ssh': 'program' },
          }),
          expected,
        ),
      );
    }
  });

  describe('variables', () => {
    it('names those that no environment of the client has', () => {
      const note = one([entry({ args: ['${NOTES_HOME}/x', '${NOTES_KEY:-none}', '${CLAUDE_PROJECT_DIR}'], env: { A: '${PATH}' } })]);
      equal(note.kind, 'unset-variable');
      match(note.message, /NOTES_HOME/);
      ok(!/NOTES_KEY|CLAUDE_PROJECT/.test(note.message), note.message);
    });
    it('also in headers', () => {
      const remote = entry({ transport: 'http', url: 'https://x.example/mcp', headers: [['X-Team', '${TEAM}']] });
      deepEqual(kinds([{ ...remote, command: '/usr/bin/node' }]), ['unset-variable warning']);
    });
    it('says nothing where the environment of the client is not known', () => {
      deepEqual(kinds([entry({ args: ['${NOTES_HOME}/x'] })], { facts: { inTerminal: false } }), []);
      deepEqual(kinds([entry({ client: 'cursor', args: ['${env:NOTES_HOME}/x'] })]), []);
    });
    it('takes the environment of the client that runs', () => {
      const cursor = entry({ client: 'cursor', args: ['${env:NOTES_HOME}/x'] });
      deepEqual(kinds([cursor], { running: { cursor: '/usr/bin' } }), ['unset-variable warning']);
      deepEqual(kinds([{ ...cursor, args: ['${env:PATH}/x'] }], { running: { cursor: '/usr/bin' } }), []);
    });
  });

  describe('secrets in plain text', () => {
    const secret = 'Zx9qL2mV7tR4';
    for (const [what, more, expected] of [
      ['in a variable', { env: { NOTES_TOKEN: secret } }, ['plain-secret information']],
      ['of a known shape under another name', { env: { NOTES: token } }, ['plain-secret information']],
      ['behind an option', { args: ['--api-key', secret] }, ['plain-secret information']],
      ['in an option', { args: [`--token=${secret}`] }, ['plain-secret information']],
      [
        'in a header',
        { transport: 'http', url: 'https://x.example/mcp', headers: [['Authorization', `Bearer ${secret}`]] },
        ['plain-secret information'],
      ],
      ['in an address', { env: { DATABASE: `postgres://me:${secret}@db/x` } }, ['plain-secret information']],
      ['in a connection string', { args: [`Server=db;User Id=me;Password=${secret};Database=x`] }, ['plain-secret information']],
      ['behind an option of one letter', { args: [`-p${secret}`] }, ['plain-secret information']],
      ['in the file of a project', { scope: 'project', env: { NOTES_TOKEN: secret } }, ['plain-secret warning']],
      ['as a reference', { env: { NOTES_TOKEN: '${PATH}' }, args: ['--token', '${PATH}'] }, []],
      ['as a placeholder', { env: { NOTES_TOKEN: 'your-token-here', KEY: '<API_KEY>' } }, []],
      ['that is a word or a path', { env: { NOTES_TOKEN: 'localhost', SSH_KEY: '/home/me/.ssh/id' } }, []],
      ['of another kind', { args: ['--max-tokens', '4096'], env: { PROJECT: 'a1b2c3d4e5' } }, []],
      ['in the text of a reference', { headers: [['Authorization', 'Bearer ${PATH}']] }, []],
    ] as const satisfies readonly [string, Partial<RawDefinition>, readonly string[]][]) {
      it(what, () => deepEqual(kinds([entry(more)]), expected));
    }
    it('names the variable and the client’s own way, and never the value', () => {
      for (const client of ['claude-code', 'vscode', 'codex', 'cursor', 'opencode', 'gemini', 'zed']) {
        const note = one([entry({ client, command: '/usr/bin/node', env: { NOTES_TOKEN: secret }, secrets: [secret] })]);
        match(note.message, /NOTES_TOKEN/);
        ok(!note.message.includes(secret) && !note.message.includes('‹redacted›'), note.message);
      }
    });
    for (const [what, args, named] of [
      ['an option', ['--api-key', secret], '--api-key'],
      ['several options', ['--token', secret, `--api-key=${secret}1`], '--api-key'],
      ['an option of one letter', [`-p${secret}`], '-p'],
      ['the password of an address behind another secret', [`-p${secret}`, `postgres://me:${secret}@db/x`], '-p'],
      ['a connection string', [`Server=db;Password=${secret}`], 'argument'],
    ] as const) {
      it(`names ${what} in a sentence that stays readable when it was redacted`, () => {
        const { message } = one([entry({ args, secrets: [secret] })]);
        match(message, /\(.+\)\. Write \$\{\w+\} in its place/);
        ok(message.includes(named) && !message.includes(secret) && !message.includes('‹redacted›'), message);
      });
    }
  });

  describe('packages without a version', () => {
    for (const [words, name] of [
      ['npx -y @scope/notes', '@scope/notes'],
      ['npx -y notes@latest', 'notes'],
      ['npx notes@^1', 'notes'],
      ['uvx notes-server --port 3', 'notes-server'],
      ['uvx --from notes>=1 notes-server', 'notes'],
      ['uvx notes@latest', 'notes'],
      ['cmd /c npx -y notes', 'notes'],
    ] as const) {
      it(`${words}: information`, () => {
        const [command = '', ...args] = words.split(' ');
        const found = notes([entry({ command: `/usr/bin/${command}`, args })], { files: { [`/usr/bin/${command}`]: 'program' } });
        deepEqual(
          found.map(({ kind, level }) => [kind, level]),
          [['unpinned', 'information']],
        );
        ok(found[0]?.message.includes(`${name}@VERSION`), found[0]?.message);
      });
    }
    for (const words of [
      'npx -y notes@1.2.3',
      'uvx notes==1.2',
      'uvx notes@1.2',
      'npx -y ./local',
      'npx -y github:a/b',
      'uvx --from git+https://h/x.git x',
      'node x',
    ]) {
      it(`${words}: nothing`, () => {
        const [command = '', ...args] = words.split(' ');
        deepEqual(kinds([entry({ command: `/usr/bin/${command}`, args })], { files: { [`/usr/bin/${command}`]: 'program' } }), []);
      });
    }
  });

  it('is short and quick where names and words are endless', () => {
    const long = '<'.repeat(60_000);
    const digits = `/${'1'.repeat(4_000)}`;
    const hostile = Array.from({ length: 100 }, (_, index) =>
      entry({
        id: String(index),
        name: `n${index}\n${'x'.repeat(5_000)}`,
        command: `${digits}/server`,
        args: ['--token', long, '${'.repeat(5_000)],
        env: { [`${'A'.repeat(5_000)}_TOKEN`]: `Zx9qL2mV7tR4${index}` },
      }),
    );
    const started = process.cpuUsage();
    const found = notes([...hostile, ...Array.from({ length: 1_000 }, () => entry({ command: '/gone' }))]);
    const { user, system } = process.cpuUsage(started);
    equal(found.length, 1_000);
    ok(found.every(({ message }) => message.length <= 1_000 && !/\p{Cc}/u.test(message)));
    ok(user + system < 2_000_000, `${(user + system) / 1_000} ms`);
  });

  describe('several entries', () => {
    it('one that another replaces everywhere gets no other remark', () => {
      const by = { file: '/w/.mcp.json', line: 4 };
      const note = one([entry({ command: '/gone', replacedBy: [by] })]);
      equal(note.kind, 'shadowed');
      match(note.message, /\/w\/\.mcp\.json:4/);
      deepEqual(kinds([entry({ command: '/gone', replacedBy: [{ ...by, folder: '/w' }] })]), [
        'command-missing warning',
        'shadowed information',
      ]);
      const alone = one([entry({ command: '/gone', replacedBy: [{ file: '/etc/managed.json', line: 4, alone: true }] })]);
      equal(alone.kind, 'shadowed');
      match(alone.message, /\/etc\/managed\.json alone/);
    });
    it('two that write one file', () => {
      const env = { MEMORY_FILE_PATH: '~/memory.json' };
      const pair = [entry({ env }), entry({ name: 'other', client: 'cursor', args: ['--memory-path=/home/me/memory.json'] })];
      deepEqual(kinds(pair), ['shared-data information', 'shared-data information']);
      deepEqual(kinds([entry({ env }), entry({ name: 'other', args: ['-e', '0', '--allowed', '/home/me/memory.json'] })]), []);
      deepEqual(kinds([entry({ env }), entry({ name: 'other', env, enabled: false })]), []);
    });
  });
});
