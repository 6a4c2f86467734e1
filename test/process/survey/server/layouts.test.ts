// The version that runs, and what an upgrade makes of it, in the layouts of package managers other than npm, pip and pipx (those are in the truth table): with the
// real tools from the npm registry and real servers. Slow and on line: with TEST_LONG=1 only.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Instance } from '../../../../src/model/snapshot.ts';
import { run } from '../../package/command.ts';
import { npm, npmEnv, servers } from '../../package/npmServers.ts';
import type { RunningServer } from '../../package/observe.ts';
import { testCache } from '../../package/testCache.ts';
import { headlines, makeWorld, settled, type World } from '../world.ts';

const { memory, everything } = servers;
const [older, newer] = memory.versions;
let at = (...parts: string[]): string => join(...parts);

interface Layout {
  readonly what: string;
  readonly name: string;
  begin(world: World, env: NodeJS.ProcessEnv): Promise<RunningServer>;
  upgrade(world: World, env: NodeJS.ProcessEnv): Promise<unknown>;
  /** `stale`: replaced in place. `beside`: what runs stays whole, and its command leads to the new version. `link`: the same, and no path of the process names a version. */
  readonly outcome: 'stale' | 'beside' | 'link' | 'nothing';
}

function project(world: World, dependencies: Record<string, string> = {}): string {
  const folder = join(world.root, 'project');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'project', version: '1.0.0', private: true, dependencies }));
  return folder;
}

function configure(world: World, command: string, args: readonly string[]): void {
  world.write('.claude.json', { mcpServers: { tiny: { command, args } } });
}

const berry = (): string => at('@yarnpkg', 'cli-dist', 'bin', 'yarn.js');
const classic = (): string => at('yarn', 'bin', 'yarn.js');
const pnpm = (): string => at('pnpm', 'bin', 'pnpm.cjs');
const bun = (): string => at('.bin', 'bun');
const deno = (): string => at('.bin', 'deno');
const node = process.execPath;

const layouts: readonly Layout[] = [
  {
    what: 'yarn Plug’n’Play, yarn node',
    // server-memory requires a package that it does not declare.
    name: everything.name,
    async begin(world, env) {
      const folder = project(world, { [everything.name]: older });
      writeFileSync(join(folder, 'yarn.lock'), '');
      await run(node, [berry(), 'install'], { cwd: folder, env });
      const args = [berry(), 'exec', everything.bin, 'stdio'];
      configure(world, node, args);
      return world.start(node, args, { cwd: folder, env });
    },
    upgrade: (world, env) => run(node, [berry(), 'add', `${everything.name}@${newer}`], { cwd: join(world.root, 'project'), env }),
    outcome: 'beside',
  },
  ...['node-modules', 'pnpm'].map(
    (linker): Layout => ({
      what: `yarn 4 with nodeLinker: ${linker}`,
      name: everything.name,
      async begin(world, env) {
        const folder = project(world, { [everything.name]: older });
        writeFileSync(join(folder, 'yarn.lock'), '');
        writeFileSync(join(folder, '.yarnrc.yml'), `nodeLinker: ${linker}\n`);
        await run(node, [berry(), 'install'], { cwd: folder, env });
        const args = [join(folder, 'node_modules', everything.name, 'dist', 'index.js'), 'stdio'];
        configure(world, node, args);
        return world.start(node, args, { cwd: folder, env });
      },
      upgrade: (world, env) => run(node, [berry(), 'add', `${everything.name}@${newer}`], { cwd: join(world.root, 'project'), env }),
      outcome: linker === 'pnpm' ? 'link' : 'stale',
    }),
  ),
  {
    what: 'yarn classic',
    name: memory.name,
    async begin(world, env) {
      const folder = project(world, { [memory.name]: older });
      await run(node, [classic(), 'install'], { cwd: folder, env });
      const args = [join(folder, 'node_modules', '.bin', memory.bin)];
      configure(world, node, args);
      return world.start(node, args, { cwd: folder, env });
    },
    upgrade: (world, env) => run(node, [classic(), 'add', '--exact', `${memory.name}@${newer}`], { cwd: join(world.root, 'project'), env }),
    outcome: 'stale',
  },
  {
    what: 'pnpm project, its own shim for the program',
    name: memory.name,
    async begin(world, env) {
      const folder = project(world, { [memory.name]: older });
      await run(node, [pnpm(), 'install', '--no-frozen-lockfile'], { cwd: folder, env });
      const command = join(folder, 'node_modules', '.bin', memory.bin);
      configure(world, command, []);
      return world.start(command, [], { cwd: folder, env });
    },
    upgrade: (world, env) => run(node, [pnpm(), 'add', `${memory.name}@${newer}`], { cwd: join(world.root, 'project'), env }),
    // Where `pnpm install` wrote it, the shim names the link.
    outcome: 'link',
  },
  {
    what: 'pnpm dlx',
    name: memory.name,
    async begin(world, env) {
      const args = [pnpm(), 'dlx', `${memory.name}@${older}`];
      configure(world, node, args);
      return world.start(node, args, { cwd: world.root, env });
    },
    upgrade: (world, env) => run(node, [pnpm(), 'dlx', `${memory.name}@${newer}`], { cwd: world.root, env }),
    outcome: 'nothing',
  },
  {
    what: 'bun project',
    name: memory.name,
    async begin(world, env) {
      const folder = project(world, { [memory.name]: older });
      await run(bun(), ['install'], { cwd: folder, env });
      const args = [join(folder, 'node_modules', '.bin', memory.bin)];
      configure(world, bun(), args);
      return world.start(bun(), args, { cwd: folder, env });
    },
    upgrade: (world, env) => run(bun(), ['add', `${memory.name}@${newer}`], { cwd: join(world.root, 'project'), env }),
    outcome: 'stale',
  },
  {
    what: 'bunx',
    name: memory.name,
    async begin(world, env) {
      const args = ['x', `${memory.name}@${older}`];
      configure(world, bun(), args);
      return world.start(bun(), args, { cwd: world.root, env });
    },
    upgrade: (world, env) => run(bun(), ['x', `${memory.name}@${newer}`], { cwd: world.root, env }),
    outcome: 'nothing',
  },
  {
    what: 'deno run npm:',
    name: memory.name,
    async begin(world, env) {
      const args = ['run', '-A', `npm:${memory.name}@${older}`];
      configure(world, deno(), args);
      return world.start(deno(), args, { cwd: world.root, env });
    },
    upgrade: (world, env) => run(deno(), ['cache', `npm:${memory.name}@${newer}`], { cwd: world.root, env }),
    outcome: 'nothing',
  },
];

const describeLong = process.env.TEST_LONG === '1' ? describe : undefined;

describeLong?.('layouts of other package managers', function () {
  this.timeout(300_000);
  let world: World;
  let env: NodeJS.ProcessEnv = {};
  before(async function () {
    if (process.platform !== 'linux') {
      console.log('skipped: on Linux alone');
      this.skip();
    }
    const tools = join(testCache(), 'layout-tools');
    if (!existsSync(join(tools, 'node_modules', '.bin', 'deno'))) {
      mkdirSync(tools, { recursive: true });
      writeFileSync(join(tools, 'package.json'), '{"private":true}');
      try {
        await npm(tools, 'install', 'pnpm@10', 'bun', 'deno', '@yarnpkg/cli-dist', 'yarn@1');
      } catch (error) {
        console.log(`skipped: the package managers could not be installed: ${String(error).slice(0, 300)}`);
        this.skip();
      }
    }
    at = (...parts) => join(tools, 'node_modules', ...parts);
  });
  beforeEach(async () => {
    world = makeWorld();
    const registry = (await run('npm', ['config', 'get', 'registry'], { cwd: world.root, env: await npmEnv() })).trim().split('\n').at(-1);
    env = {
      ...(await npmEnv()),
      HOME: world.home,
      CI: '',
      XDG_CACHE_HOME: join(world.root, 'cache'),
      DENO_DIR: join(world.root, 'deno'),
      BUN_INSTALL_CACHE_DIR: join(world.root, 'bun-cache'),
      BUN_INSTALL: join(world.root, 'bun'),
      npm_config_store_dir: join(world.root, 'pnpm-store'),
      YARN_CACHE_FOLDER: join(world.root, 'yarn-cache'),
      YARN_ENABLE_TELEMETRY: '0',
      YARN_ENABLE_GLOBAL_CACHE: '0',
      YARN_ENABLE_IMMUTABLE_INSTALLS: '0',
      ...(registry === undefined ? {} : { NPM_CONFIG_REGISTRY: registry, YARN_NPM_REGISTRY_SERVER: registry, YARN_REGISTRY: registry }),
    };
  });
  afterEach(() => world.remove());

  async function instance(pid: number, runDir?: string): Promise<Instance> {
    const snapshot = await settled(await world.observer(runDir === undefined ? {} : { runDir: join(world.root, runDir) }));
    const found = snapshot.instances.find((one) => one.tree.includes(pid) || one.launchers.some((launcher) => launcher.pid === pid));
    assert.ok(found, JSON.stringify(snapshot.instances.map(({ command, launchers }) => ({ command, launchers }))));
    return found;
  }

  for (const { what, name, begin, upgrade, outcome } of layouts) {
    it(`${what}: the version that runs is known, and an upgrade is ${outcome}`, async () => {
      const { pid } = await begin(world, env);
      const before = await instance(pid);
      assert.deepEqual(
        [before.package?.name, before.package?.running, before.package?.installed, headlines(before)],
        [name, older, older, []],
        before.unknown,
      );
      assert.equal(before.definitions.length, 1, 'it is the one of its entry');
      await upgrade(world, env);
      for (const [who, runDir] of [
        ['seen before', undefined],
        ['seen afterwards', 'late'],
      ] as const) {
        const after = await instance(pid, runDir);
        const stale = headlines(after).map((one) => one.replace(/\/(proven|likely)$/, ''));
        const replaced = ['stale/package'];
        const beside = ['stale/replaced-beside'];
        const wanted = { stale: replaced, beside, link: runDir ? replaced : beside, nothing: [] }[outcome];
        assert.deepEqual(stale, wanted, `${who}: ${JSON.stringify(after.findings)}`);
        assert.equal(after.package?.running, (outcome === 'stale' || outcome === 'link') && runDir ? null : older, who);
        assert.equal(after.package?.installed, outcome === 'nothing' ? older : newer, who);
        assert.ok(!after.findings.some(({ kind }) => kind === 'respawn-differs'), who);
      }
    });
  }
});
