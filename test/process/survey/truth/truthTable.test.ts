// The table of docs/staleness.md: every way in which an installer changes files, with the real installers, judged by an observer that scanned before the change and by
// one that starts after it. No fresh server may be called stale, and no stale server may be missed. Prints the table. Slow: runs with TEST_LONG=1 only. Debian's
// needrestart judges the same process at the same time, where its packages are available; else its earlier results are printed and marked.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { until } from '../../../until.ts';
import { run } from '../../package/command.ts';
import { npm, npmEnv } from '../../package/npmServers.ts';
import type { RunningServer } from '../../package/observe.ts';
import { ownPython } from '../../package/ownPython.ts';
import { cleanEnv, findPython, makeVenv, pip, pythonWheels, venvPath } from '../../package/pythonWheels.ts';
import { testCache } from '../../package/testCache.ts';
import { binaryServer, nodeServer, pythonServer, sharedLibrary } from '../tinyServers.ts';
import { headlines, instanceOf, makeWorld, settled, type World } from '../world.ts';
import { type Needrestart, needrestart, needrestartToleranceMs } from './needrestart.ts';

interface Row {
  readonly of: string;
  readonly what: string;
  readonly truth: 'stale' | 'fresh';
  /** Earlier result of needrestart, printed where it cannot run. */
  readonly needrestart?: 'right' | 'MISSED' | 'FALSE';
  /** A late observer cannot tell it from a touch: it reports `unknown` and no finding. */
  readonly undecidable?: boolean;
  /** A reinstall of the same version, which looks like an upgrade: a late observer may report `likely`. */
  readonly mayBeLikely?: boolean;
  readonly begin: (world: World) => Promise<RunningServer>;
  readonly act: (world: World) => unknown;
}

const results: string[] = [];
const counts = { rows: 0, falseAlarms: 0, missed: 0, lateFalse: 0, lateMissed: 0, lateLikely: 0, lateUnknown: 0 };
const theirs = { right: 0, MISSED: 0, FALSE: 0 };
let other: Needrestart | undefined;

function configure(world: World, command: string, args: readonly string[]): void {
  world.write('.claude.json', { mcpServers: { tiny: { command, args } } });
}

async function verdict(world: World, pid: number, late: boolean): Promise<string[]> {
  const observer = await world.observer(late ? { runDir: join(world.root, 'late') } : {});
  const instance = instanceOf(await settled(observer), pid);
  const found = headlines(instance);
  return found.length === 0 && late && instance.unknown !== undefined ? [`unknown: ${instance.unknown}`] : found;
}

function touchAll(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) {
      utimesSync(join(entry.parentPath, entry.name), new Date(), new Date());
    }
  }
}

// --- Node: seven events for each of npm, pnpm, bun

type Installer = (folder: string, ...args: readonly string[]) => Promise<unknown>;
let tools = '';

async function nodeTools(): Promise<Record<'npm' | 'pnpm' | 'bun', Installer>> {
  tools = join(testCache(), 'node-tools');
  if (!existsSync(join(tools, 'node_modules', '.bin', 'bun'))) {
    mkdirSync(tools, { recursive: true });
    writeFileSync(join(tools, 'package.json'), '{"private":true}');
    await npm(tools, 'install', 'pnpm10@npm:pnpm@10', 'bun');
  }
  const env = { ...(await npmEnv()), BUN_INSTALL_CACHE_DIR: join(testCache(), 'bun-cache'), CI: '1' };
  const at = (...parts: string[]): string => join(tools, 'node_modules', ...parts);
  return {
    npm: (folder, ...args) => npm(folder, ...args),
    pnpm: (folder, ...args) =>
      run(
        process.execPath,
        [at('pnpm10', 'bin', 'pnpm.cjs'), ...args, '--store-dir', join(testCache(), 'pnpm-store'), '--no-frozen-lockfile'].filter(
          (word) => args[0] === 'install' || word !== '--no-frozen-lockfile',
        ),
        { cwd: folder, env },
      ),
    bun: (folder, ...args) => run(at('.bin', 'bun'), args, { cwd: folder, env }),
  };
}

/** Tarballs of two versions of a tiny server, as a registry would give them. */
async function tarball(version: string): Promise<string> {
  const folder = join(testCache(), `tiny-${version}`);
  const file = join(folder, `tiny-mcp-${version}.tgz`);
  if (!existsSync(file)) {
    nodeServer(folder, version);
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'tiny-mcp', version, type: 'module', bin: 'server.js' }));
    await npm(folder, 'pack');
  }
  return file;
}

async function nodeProject(install: Installer, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'project', version: '1.0.0', private: true }));
  await install(folder, install.name === 'npm' ? 'install' : 'add', await tarball('1.0.0'));
}

/** Files of an installed package that are written without an installer. */
function inPlaceRows(project: (world: World) => string): Omit<Row, 'of' | 'begin'>[] {
  const own = (world: World): string => join(project(world), 'node_modules', 'tiny-mcp');
  return [
    { what: 'touch of all files', truth: 'fresh', needrestart: 'right', act: (world) => touchAll(own(world)) },
    {
      what: 'another version written in place',
      truth: 'stale',
      needrestart: 'MISSED',
      undecidable: true,
      act: (world) => {
        const manifest = join(own(world), 'package.json');
        writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('1.0.0', '1.1.0'));
        appendFileSync(join(own(world), 'server.js'), '// 1.1.0\n');
      },
    },
  ];
}

function nodeRows(name: 'npm' | 'pnpm' | 'bun'): Row[] {
  const project = (world: World): string => join(world.root, 'project');
  const tool: Installer = async (folder, ...args) => (await nodeTools())[name](folder, ...args);
  const add = name === 'npm' ? 'install' : 'add';
  const begin = async (world: World): Promise<RunningServer> => {
    await nodeProject(async (folder, _verb, ...args) => tool(folder, add, ...args), project(world));
    const script = join(project(world), 'node_modules', 'tiny-mcp', 'server.js');
    configure(world, process.execPath, [script]);
    return world.start(process.execPath, [script], { cwd: project(world), env: await npmEnv() });
  };
  const rows: Omit<Row, 'of' | 'begin'>[] = [
    { what: 'nothing', truth: 'fresh', act: () => {} },
    { what: 'install with nothing to do', truth: 'fresh', act: (world) => tool(project(world), 'install') },
    { what: 'unrelated development dependency', truth: 'fresh', act: (world) => tool(project(world), add, '-D', 'is-number@7.0.0') },
    { what: 'upgrade', truth: 'stale', needrestart: 'MISSED', act: async (world) => tool(project(world), add, await tarball('1.1.0')) },
    { what: 'chmod -R', truth: 'fresh', act: (world) => execFileSync('chmod', ['-R', 'g+w', join(project(world), 'node_modules')]) },
    // pnpm and bun share their files with a store, which other tests use.
    ...(name === 'npm' ? inPlaceRows(project) : []),
    {
      what: 'restored with cp -a',
      truth: 'fresh',
      act: (world) => {
        execFileSync('cp', ['-a', project(world), `${project(world)}-copy`]);
        rmSync(project(world), { recursive: true });
        renameSync(`${project(world)}-copy`, project(world));
      },
    },
    {
      what: 'reinstall of the same version',
      truth: 'fresh',
      // Only `npm ci` leaves the lock file alone; pnpm and bun do where nothing changes in it.
      mayBeLikely: name === 'npm',
      act: async (world) => {
        rmSync(join(project(world), 'node_modules'), { recursive: true });
        await tool(project(world), 'install');
      },
    },
    ...(name === 'npm'
      ? [
          {
            what: 'reinstall of the same version (npm ci)',
            truth: 'fresh' as const,
            act: async (world: World) => tool(project(world), 'ci'),
          },
        ]
      : []),
    {
      what: 'same version in another project (shared store)',
      truth: 'fresh',
      act: (world) => nodeProject(async (folder, _verb, ...args) => tool(folder, add, ...args), join(world.root, 'other')),
    },
  ];
  return rows.map((row) => ({ ...row, of: name, begin }));
}

// --- Python: pip in a virtual environment

const venvOf = (world: World): string => join(realpathSync(world.root), 'venv');
const pipIn = (world: World, ...args: readonly string[]): Promise<string> => pip(venvOf(world), ...args);

function siteOf(world: World): string {
  const [python = ''] = readdirSync(join(venvOf(world), 'lib'));
  return join(venvOf(world), 'lib', python, 'site-packages');
}

function pythonBegin(
  args?: (venv: string) => readonly string[],
  make: (world: World) => Promise<unknown> = (world) => makeVenv(venvOf(world)),
  env: (world: World) => NodeJS.ProcessEnv = () => ({}),
) {
  return async (world: World): Promise<RunningServer> => {
    await make(world);
    await pipIn(world, 'install', 'stale-mcp==0.1.0', 'stalelib==1.0.0');
    const [command = '', ...rest] = args?.(venvOf(world)) ?? [venvPath(venvOf(world), 'stale-mcp')];
    configure(world, command, rest);
    return world.start(command, rest, { cwd: world.root, env: { ...cleanEnv(world.home), ...env(world) } });
  };
}

const upgradeBoth = (world: World): Promise<string> => pipIn(world, 'install', '-U', 'stale-mcp', 'stalelib');
const pipRows: Omit<Row, 'of' | 'begin'>[] = [
  { what: 'nothing', truth: 'fresh', needrestart: 'right', act: () => {} },
  { what: 'upgrade of the package', truth: 'stale', needrestart: 'right', act: (world) => pipIn(world, 'install', 'stale-mcp==0.2.0') },
  {
    what: 'upgrade of a dependency only',
    truth: 'stale',
    needrestart: 'MISSED',
    act: (world) => pipIn(world, 'install', 'stalelib==1.1.0'),
  },
  { what: 'uninstall', truth: 'stale', act: (world) => pipIn(world, 'uninstall', '-y', 'stale-mcp') },
  { what: 'install with nothing to do', truth: 'fresh', act: (world) => pipIn(world, 'install', 'stale-mcp==0.1.0') },
  { what: 'unrelated install', truth: 'fresh', act: (world) => pipIn(world, 'install', 'unrelated') },
  {
    what: 'compiled files written',
    truth: 'fresh',
    act: (world) => execFileSync(venvPath(venvOf(world), 'python'), ['-m', 'compileall', '-qf', siteOf(world)]),
  },
  {
    what: 'environment moved and back',
    truth: 'fresh',
    act: (world) => {
      renameSync(venvOf(world), `${venvOf(world)}-away`);
      renameSync(`${venvOf(world)}-away`, venvOf(world));
    },
  },
  {
    what: 'reinstall of the same version',
    truth: 'fresh',
    mayBeLikely: true,
    act: (world) => pipIn(world, 'install', '--force-reinstall', 'stale-mcp==0.1.0', 'stalelib==1.0.0'),
  },
  { what: 'chmod -R', truth: 'fresh', act: (world) => execFileSync('chmod', ['-R', 'g+w', venvOf(world)]) },
  { what: 'touch of all files', truth: 'fresh', act: (world) => touchAll(siteOf(world)) },
  {
    what: 'hard-linked copy elsewhere',
    truth: 'fresh',
    act: (world) => execFileSync('cp', ['-al', venvOf(world), `${venvOf(world)}-linked`]),
  },
  {
    what: 'restored with cp -a',
    truth: 'fresh',
    act: (world) => {
      execFileSync('cp', ['-a', venvOf(world), `${venvOf(world)}-copy`]);
      rmSync(venvOf(world), { recursive: true });
      renameSync(`${venvOf(world)}-copy`, venvOf(world));
    },
  },
];

/** An interpreter of its own that is not in /usr/bin, as pyenv and uv have them. */
/** uv's layout, built by hand (no uv here): archive-v0/ID is a relocatable environment; another resolution makes another one. */
const uvArchive = (world: World): string => join(realpathSync(world.root), 'uv', 'archive-v0', 'Ab3dEf');

/** pipx as Debian has it, with a home of its own and the wheels as the only source. */
async function pipx(world: World, ...args: readonly string[]): Promise<string> {
  const places = { PIPX_HOME: join(world.root, 'pipx'), PIPX_BIN_DIR: join(world.root, 'pipx-bin') };
  return run('pipx', args, { cwd: world.root, env: { ...cleanEnv(world.home), ...places, PIP_FIND_LINKS: await pythonWheels() } });
}

function pipxRows(): Row[] {
  const begin = async (world: World): Promise<RunningServer> => {
    await pipx(world, 'install', 'stale-mcp==0.1.0');
    const command = join(world.root, 'pipx-bin', 'stale-mcp');
    configure(world, command, []);
    return world.start(command, [], { cwd: world.root, env: cleanEnv(world.home) });
  };
  const inVenv = (world: World): string => join(world.root, 'pipx', 'venvs', 'stale-mcp');
  const rows: Omit<Row, 'of' | 'begin'>[] = [
    { what: 'nothing', truth: 'fresh', act: () => {} },
    // The one that is asked for is pinned: pipx asks pip for it again, which has nothing to do.
    { what: 'install with nothing to do', truth: 'fresh', act: (world) => pipx(world, 'install', 'stale-mcp==0.1.0') },
    {
      what: 'upgrade',
      truth: 'stale',
      act: async (world) => {
        const metadata = join(inVenv(world), 'pipx_metadata.json');
        writeFileSync(metadata, readFileSync(metadata, 'utf8').replace('stale-mcp==0.1.0', 'stale-mcp'));
        await pipx(world, 'upgrade', 'stale-mcp');
      },
    },
    { what: 'another version with --force', truth: 'stale', act: (world) => pipx(world, 'install', '--force', 'stale-mcp==0.2.0') },
    { what: 'inject of an unrelated package', truth: 'fresh', act: (world) => pipx(world, 'inject', 'stale-mcp', 'unrelated') },
    { what: 'uninstall', truth: 'stale', act: (world) => pipx(world, 'uninstall', 'stale-mcp') },
  ];
  return existsSync('/usr/bin/pipx') ? rows.map((row) => ({ ...row, of: 'pipx', begin })) : [];
}

const script = (world: World): string => join(realpathSync(world.root), 'tiny-mcp', 'mcp_server.py');
const scriptBegin = async (world: World): Promise<RunningServer> => {
  pythonServer(join(realpathSync(world.root), 'tiny-mcp'));
  const python = (await findPython()) ?? '';
  configure(world, python, [script(world)]);
  return world.start(python, [script(world)], { cwd: world.home, env: cleanEnv(world.home) });
};

/** The same, committed. The times of git's log are whole seconds: the start is one that comes after. */
const gitBegin = async (world: World): Promise<RunningServer> => {
  pythonServer(join(realpathSync(world.root), 'tiny-mcp'));
  git(world, 'init', '-q');
  git(world, 'add', '-A');
  git(world, 'commit', '-qm', 'one');
  const committed = Date.now();
  await until('two seconds after the commit', () => Date.now() > committed + 2_000);
  return scriptBegin(world);
};

function git(world: World, ...args: readonly string[]): void {
  execFileSync('git', ['-c', 'user.name=test', '-c', 'user.email=test@example.invalid', ...args], { cwd: join(script(world), '..') });
}

const gitEvents: Omit<Row, 'of' | 'begin'>[] = [
  { what: 'itself edited', truth: 'stale', act: (world) => appendFileSync(script(world), '# more\n') },
  {
    what: 'itself edited and committed',
    truth: 'stale',
    act: (world) => {
      appendFileSync(script(world), '# more\n');
      git(world, 'commit', '-qam', 'two');
    },
  },
  { what: 'touched', truth: 'fresh', act: (world) => utimesSync(script(world), new Date(), new Date()) },
  {
    what: 'replaced by the same content',
    truth: 'fresh',
    act: (world) => {
      copyFileSync(script(world), `${script(world)}.new`);
      renameSync(`${script(world)}.new`, script(world));
    },
  },
];

const others: Row[] = [
  {
    of: 'python -m',
    what: 'package and dependency upgraded',
    truth: 'stale',
    needrestart: 'MISSED',
    begin: pythonBegin((venv) => [venvPath(venv, 'python'), '-m', 'stale_mcp']),
    act: upgradeBoth,
  },
  {
    of: 'own interpreter',
    what: 'both upgraded',
    truth: 'stale',
    needrestart: 'MISSED',
    begin: pythonBegin(undefined, (world) => ownPython(join(world.root, 'base'), venvOf(world), cleanEnv(world.home))),
    act: upgradeBoth,
  },
  {
    of: 'native code',
    what: 'replaced with the package',
    truth: 'stale',
    needrestart: 'right',
    begin: pythonBegin(
      undefined,
      async (world) => {
        await makeVenv(venvOf(world));
        mkdirSync(join(siteOf(world), 'stalelib'), { recursive: true });
        sharedLibrary(join(siteOf(world), 'stalelib', '_native.so'), 10);
      },
      (world) => ({ LD_PRELOAD: join(siteOf(world), 'stalelib', '_native.so') }),
    ),
    act: async (world) => {
      const library = join(siteOf(world), 'stalelib', '_native.so');
      renameSync(sharedLibrary(`${library}.other.so`, 2_000), library);
      await pipIn(world, 'install', 'stalelib==1.1.0');
    },
  },
  {
    of: 'plain script',
    what: 'imported package edited',
    truth: 'stale',
    needrestart: 'MISSED',
    begin: scriptBegin,
    act: (world) => appendFileSync(join(script(world), '..', 'inner', 'helper.py'), '# more\n'),
  },
  {
    of: 'plain script',
    what: 'itself edited, directory elsewhere',
    truth: 'stale',
    undecidable: true,
    needrestart: 'MISSED',
    begin: scriptBegin,
    act: (world) => appendFileSync(script(world), '# more\n'),
  },
  {
    of: 'plain script',
    what: 'touched',
    truth: 'fresh',
    needrestart: 'FALSE',
    begin: scriptBegin,
    act: (world) => utimesSync(script(world), new Date(), new Date()),
  },
  {
    of: 'plain script',
    what: 'chmod',
    truth: 'fresh',
    needrestart: 'FALSE',
    begin: scriptBegin,
    act: (world) => chmodSync(script(world), 0o700),
  },
  {
    of: 'plain script',
    what: 'hard link to it removed',
    truth: 'fresh',
    needrestart: 'FALSE',
    begin: async (world) => {
      const server = await scriptBegin(world);
      linkSync(script(world), join(world.root, 'link.py'));
      return server;
    },
    act: (world) => rmSync(join(world.root, 'link.py')),
  },
  {
    of: 'npm -g',
    what: 'upgrade',
    truth: 'stale',
    needrestart: 'MISSED',
    begin: async (world) => {
      const prefix = join(world.root, 'prefix');
      await npm(world.root, 'install', '-g', '--prefix', prefix, await tarball('1.0.0'));
      const command = join(prefix, 'lib', 'node_modules', 'tiny-mcp', 'server.js');
      configure(world, process.execPath, [command]);
      return world.start(process.execPath, [command], { cwd: world.root, env: await npmEnv() });
    },
    act: async (world) => npm(world.root, 'install', '-g', '--prefix', join(world.root, 'prefix'), await tarball('1.1.0')),
  },
  {
    of: 'program in memory',
    what: 'sealed memfd',
    truth: 'fresh',
    needrestart: 'FALSE',
    begin: async (world) => {
      const file = binaryServer(join(world.root, 'mcp-memory-file'));
      const start = `import os\nfd = os.memfd_create("mcp-server")\nos.write(fd, open(${JSON.stringify(file)}, "rb").read())\nos.execve(f"/proc/self/fd/{fd}", [${JSON.stringify(file)}], dict(os.environ))\n`;
      configure(world, file, []);
      return world.start((await findPython()) ?? '', ['-c', start], { cwd: world.root, env: process.env });
    },
    act: () => {},
  },
  {
    of: 'uv layout by hand',
    what: 'another resolution beside it',
    truth: 'fresh',
    begin: async (world) => {
      mkdirSync(join(world.root, 'uv', 'archive-v0'), { recursive: true });
      await makeVenv(uvArchive(world));
      await pip(uvArchive(world), 'install', 'stale-mcp==0.1.0', 'stalelib==1.0.0');
      const command = venvPath(uvArchive(world), 'stale-mcp');
      configure(world, command, []);
      return world.start(command, [], { cwd: world.root, env: cleanEnv(world.home) });
    },
    act: (world) => cpSync(uvArchive(world), `${uvArchive(world)}Other`, { recursive: true, verbatimSymlinks: true }),
  },
];

const rows: Row[] = [
  ...(['npm', 'pnpm', 'bun'] as const).flatMap(nodeRows),
  ...pipRows.map((row): Row => ({ ...row, of: 'pip venv', begin: pythonBegin() })),
  ...pipxRows(),
  ...gitEvents.map((row): Row => ({ ...row, of: 'script in git', begin: gitBegin })),
  ...others,
];

const describeLong = process.env.TEST_LONG === '1' ? describe : undefined;

describeLong?.('the truth about every row of the report', function () {
  this.timeout(300_000);
  let world: World;
  before(async function () {
    if (process.platform !== 'linux' || !(await findPython())) {
      console.log('skipped: the rows are made with Linux and Python');
      this.skip();
    }
    const found = await needrestart();
    if ('missing' in found) {
      console.log(`needrestart is quoted from the report, not asked: ${found.missing}`);
    } else {
      other = found;
    }
  });
  beforeEach(() => {
    world = makeWorld();
  });
  afterEach(() => world.remove());
  after(() => {
    const { rows: count, falseAlarms, missed, lateFalse, lateMissed, lateLikely, lateUnknown } = counts;
    console.log(
      [
        `| installer | event | truth | seen before | seen afterwards | needrestart ${other?.version ?? '(quoted from the report)'} |`,
        '| --- | --- | --- | --- | --- | --- |',
        ...results,
        `${count} rows. Seen before: ${falseAlarms} false, ${missed} missed. Seen afterwards: ${lateFalse} false, ${lateMissed} missed, ${lateLikely} likely where a reinstall of the same version cannot be told, ${lateUnknown} unknown where an edit cannot be told from a touch.`,
        ...(other ? [`needrestart ${other.version}: ${theirs.right} right, ${theirs.FALSE} false, ${theirs.MISSED} missed.`] : []),
      ].join('\n'),
    );
  });

  for (const { of, what, truth, needrestart: quoted, mayBeLikely, undecidable, begin, act } of rows) {
    it(`${of}: ${what} is ${truth}`, async () => {
      const { pid, startedAt } = await begin(world);
      assert.deepEqual(await verdict(world, pid, false), [], 'before the event');
      if (other) {
        await until('the tolerance of needrestart is over', () => Date.now() > startedAt + needrestartToleranceMs);
      }
      await act(world);
      const seen = await verdict(world, pid, false);
      const all = await verdict(world, pid, true);
      const late = all.filter((one) => !one.startsWith('unknown'));
      const reported = await other?.reports(pid);
      const word = reported === undefined ? quoted : reported === (truth === 'stale') ? 'right' : reported ? 'FALSE' : 'MISSED';
      const afterwards = late.join(', ') || (all.length > 0 ? 'unknown' : '-');
      results.push(`| ${of} | ${what} | ${truth} | ${seen.join(', ') || '-'} | ${afterwards} | ${word ?? ''} |`);
      counts.rows += 1;
      counts.falseAlarms += truth === 'fresh' && seen.length > 0 ? 1 : 0;
      counts.missed += truth === 'stale' && seen.length === 0 ? 1 : 0;
      const onlyLikely = mayBeLikely === true && late.length > 0 && late.every((one) => one.endsWith('/likely'));
      const said = undecidable === true && late.length === 0 && / after it started/.test(all.join());
      counts.lateLikely += onlyLikely ? 1 : 0;
      counts.lateUnknown += said ? 1 : 0;
      counts.lateFalse += truth === 'fresh' && late.length > 0 && !onlyLikely ? 1 : 0;
      counts.lateMissed += truth === 'stale' && late.length === 0 && !said ? 1 : 0;
      if (word !== undefined) {
        theirs[word] += 1;
      }
      assert.equal(seen.length > 0, truth === 'stale', `seen before: ${seen.join()}`);
      assert.ok(truth === 'stale' || late.length === 0 || onlyLikely, `seen afterwards: ${late.join()}`);
      assert.ok(truth === 'fresh' || late.length > 0 || said, `seen afterwards: ${all.join()}`);
    });
  }
});
