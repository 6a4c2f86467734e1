import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from '../../package/command.ts';
import type { Layout, Place } from './layoutRow.ts';
import { installerTool, tiny, unrelated } from './localPackages.ts';

const { versions } = tiny;
const spec = (version: string): string => `${tiny.name}@${version}`;
const other = `${unrelated.name}@${unrelated.version}`;

/** Runs an installer in a folder. */
type Tool = (place: Place, folder: string, ...args: readonly string[]) => Promise<string>;

/** Moves a link in one step. */
export function moveLink(target: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, `${path}.new`);
  renameSync(`${path}.new`, path);
}

const npmTool: Tool = ({ env }, folder, ...args) => run('npm', args, { cwd: folder, env });

function packageTool(which: string, file: string): Tool {
  return async ({ env }, folder, ...args) => run(process.execPath, [join(await installerTool(which), file), ...args], { cwd: folder, env });
}

const berry = packageTool('@yarnpkg/cli-dist', 'bin/yarn.js');
const bun: Tool = async ({ env }, folder, ...args) =>
  run(join(dirname(await installerTool('bun')), '.bin', 'bun'), args, { cwd: folder, env });

interface ProjectOptions {
  readonly name: string;
  readonly tool: Tool;
  readonly add: readonly string[];
  /** Files of the project beside its `package.json`. */
  readonly files?: Readonly<Record<string, string>>;
  /** Of the workspace that has the server. */
  readonly member?: string;
}

/** A project with the server as dependency, started by the program in `node_modules/.bin`. */
function project({ name, tool, add, files = {}, member = '' }: ProjectOptions): Omit<Layout, 'how'> {
  const folder = (place: Place): string => join(place.folder, member);
  return {
    name,
    made: 'real',
    versions,
    async install(place, version) {
      mkdirSync(folder(place), { recursive: true });
      const manifest = JSON.stringify({ name: 'project', version: '1.0.0', private: true });
      for (const [file, text] of Object.entries({ 'package.json': manifest, ...files })) {
        writeOnce(join(place.folder, file), text);
      }
      writeOnce(join(folder(place), 'package.json'), manifest);
      await tool(place, folder(place), ...add, spec(version));
    },
    async again(place, version) {
      for (const root of new Set([place.folder, folder(place)])) {
        rmSync(join(root, 'node_modules'), { recursive: true, force: true });
      }
      await tool(place, folder(place), ...add, spec(version));
    },
    unrelated: (place) => tool(place, folder(place), ...add, other),
    prune: () => undefined,
    command: (place) => ({ words: [join(folder(place), 'node_modules', '.bin', tiny.bin)] }),
  };
}

function writeOnce(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'wx' });
  } catch {
    // The project was made by an earlier step.
  }
}

/** pnpm keeps versions in directories of their own; it removes those that nothing uses after a week. */
function pnpmProject(major: string, file: string, workspace = false): Layout {
  const tool = packageTool(`pnpm@${major}`, file);
  const made = project({
    name: workspace ? `pnpm ${major} workspace` : `pnpm ${major} project`,
    tool,
    add: ['add'],
    ...(workspace ? { member: 'packages/app', files: { 'pnpm-workspace.yaml': 'packages:\n  - packages/*\n' } } : {}),
  });
  return {
    ...made,
    // The shim of pnpm 9 names the link in `node_modules`, later ones the directory of the version.
    how: major === '9' ? 'link' : 'beside',
    ...(major === '10' && !workspace ? { quick: ['prune of the old version', 'roll-back'] as const } : {}),
    async prune(place, old) {
      await tool(place, place.folder, 'prune');
      const store = join(place.folder, 'node_modules', '.pnpm');
      for (const name of readdirSync(store).filter((one) => one.startsWith(`${tiny.name.replace('/', '+')}@${old}`))) {
        rmSync(join(store, name), { recursive: true });
      }
    },
  };
}

const npmProject: Layout = {
  ...project({ name: 'npm project', tool: npmTool, add: ['install', '--save-exact'] }),
  how: 'in place',
  quick: ['upgrade', 'unrelated install'],
  prune: (place) => npmTool(place, place.folder, 'prune'),
};

const yarnModules: Layout = {
  ...project({
    name: 'yarn 4, nodeLinker: node-modules',
    tool: berry,
    add: ['add', '--exact'],
    files: { 'yarn.lock': '', '.yarnrc.yml': 'nodeLinker: node-modules\n' },
  }),
  how: 'in place',
};

const bunProject: Layout = {
  ...project({ name: 'bun project', tool: bun, add: ['add', '--exact'] }),
  how: 'in place',
  // Its lock file stays as it is, and is older than the start.
  seenAfterwards: { 'same version again': '-' },
};

const yarnPnp: Layout = {
  ...project({ name: 'yarn 4 Plug’n’Play', tool: berry, add: ['add', '--exact'], files: { 'yarn.lock': '' } }),
  how: 'beside',
  // The dependencies in archives are not compared.
  fresh: 'unknown',
  quick: ['upgrade'],
  async again(place, version) {
    for (const file of ['.yarn/cache', '.pnp.cjs']) {
      rmSync(join(place.folder, file), { recursive: true });
    }
    await berry(place, place.folder, 'add', '--exact', spec(version));
  },
  // It removes archives that nothing uses with every install.
  prune: (place) => berry(place, place.folder, 'cache', 'clean'),
  command: async (place) => ({
    words: [process.execPath, join(await installerTool('@yarnpkg/cli-dist'), 'bin', 'yarn.js'), '--cwd', place.folder, 'exec', tiny.bin],
  }),
};

/** `npm install -g` into the prefix of a folder. */
function global(place: Place, prefix: string, ...specs: readonly string[]): Promise<string> {
  mkdirSync(prefix, { recursive: true });
  return npmTool(place, place.folder, 'install', '-g', '--prefix', prefix, ...specs);
}

const npmGlobal: Layout = {
  name: 'npm install -g',
  made: 'real',
  how: 'in place',
  versions,
  install: (place, version) => global(place, join(place.folder, 'prefix'), spec(version)),
  async again(place, version) {
    await npmTool(place, place.folder, 'uninstall', '-g', '--prefix', join(place.folder, 'prefix'), tiny.name);
    await global(place, join(place.folder, 'prefix'), spec(version));
  },
  unrelated: (place) => global(place, join(place.folder, 'prefix'), other),
  prune: () => undefined,
  command: (place) => ({ words: [join(place.folder, 'prefix', 'bin', tiny.bin)] }),
};

/** A prefix for each version, and a link to the chosen one: what a switch of Node makes of global packages (nvm, fnm, n with a prefix for each). */
const npmPrefixSwitch: Layout = {
  ...npmGlobal,
  name: 'npm install -g, prefix switched',
  made: 'real, link by hand',
  how: 'link',
  // The prefix that it runs from is still there.
  seenAfterwards: { 'same version again': '-' },
  async install(place, version) {
    const prefix = join(place.folder, 'prefixes', version);
    // A version that is there is only chosen.
    await (existsSync(prefix) ? undefined : global(place, prefix, spec(version)));
    moveLink(`prefixes/${version}`, join(place.folder, 'chosen'));
  },
  async again(place, version) {
    await global(place, join(place.folder, 'prefixes', 'again'), spec(version));
    moveLink('prefixes/again', join(place.folder, 'chosen'));
  },
  unrelated: (place) => global(place, join(place.folder, 'chosen'), other),
  prune: (place, old) => rmSync(join(place.folder, 'prefixes', old), { recursive: true }),
  command: (place) => ({ words: [join(place.folder, 'chosen', 'bin', tiny.bin)] }),
};

/** n copies the chosen Node into its prefix, where global packages stay. */
const nLayout: Layout = {
  ...npmGlobal,
  name: 'n, npm install -g',
  made: 'real',
  async install(place, version) {
    const node = join(place.folder, 'prefix', 'n', 'versions', 'node', process.versions.node);
    mkdirSync(join(node, 'bin'), { recursive: true });
    mkdirSync(join(node, 'lib', 'node_modules'), { recursive: true });
    try {
      symlinkSync(process.execPath, join(node, 'bin', 'node'));
    } catch {
      // It is there.
    }
    const env = { ...place.env, N_PREFIX: join(place.folder, 'prefix') };
    await run('bash', [join(await installerTool('n'), 'bin', 'n'), '--offline', process.versions.node], { cwd: place.folder, env });
    await global(place, join(place.folder, 'prefix'), spec(version));
  },
  command: (place) => ({
    words: [join(place.folder, 'prefix', 'bin', tiny.bin)],
    env: { PATH: `${join(place.folder, 'prefix', 'bin')}:${place.env.PATH}` },
  }),
};

/** The shims of mise, which are links to mise itself, and the backend of mise that installs with npm. */
const miseShims: Layout = {
  name: 'mise with its shims, npm: backend',
  made: 'real',
  how: 'beside',
  versions,
  // The version stays on the command line of the process.
  seenAfterwards: { 'prune of the old version': 'stale/replaced-beside/likely' },
  install: (place, version) => mise(place, 'use', '--pin', `npm:${spec(version)}`),
  again: (place, version) => mise(place, 'install', '--force', `npm:${spec(version)}`),
  unrelated: (place) => mise(place, 'use', '--pin', `npm:${other}`),
  prune: (place, old) => mise(place, 'uninstall', `npm:${spec(old)}`),
  command: (place) => ({ words: [tiny.bin], env: { ...miseEnv(place), PATH: `${miseEnv(place).MISE_DATA_DIR}/shims:${place.env.PATH}` } }),
};

const miseEnv = ({ folder }: Place) => ({
  MISE_DATA_DIR: join(folder, 'data', 'mise'),
  MISE_CONFIG_DIR: join(folder, 'settings'),
  MISE_STATE_DIR: join(folder, 'state'),
  MISE_CACHE_DIR: join(folder, 'cache'),
  MISE_TRUSTED_CONFIG_PATHS: '/',
});

async function mise(place: Place, ...args: readonly string[]): Promise<string> {
  const program = join(await installerTool('@jdxcode/mise-linux-x64'), 'bin', 'mise');
  return run(program, ['--yes', ...args], { cwd: place.folder, env: { ...place.env, ...miseEnv(place) } });
}

/** Layouts of the package managers of Node. */
export const nodeLayouts: readonly Layout[] = [
  npmProject,
  npmGlobal,
  npmPrefixSwitch,
  nLayout,
  pnpmProject('9', 'bin/pnpm.cjs'),
  pnpmProject('10', 'bin/pnpm.cjs'),
  pnpmProject('11', 'bin/pnpm.mjs'),
  pnpmProject('12', 'bin/pnpm.mjs'),
  pnpmProject('12', 'bin/pnpm.mjs', true),
  yarnModules,
  yarnPnp,
  bunProject,
  ...(process.arch === 'x64' ? [miseShims] : []),
];
