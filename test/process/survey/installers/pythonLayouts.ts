import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../package/command.ts';
import { cleanEnv, makeVenv, pip, pythonWheels, venvPath } from '../../package/pythonWheels.ts';
import { keptFolder } from '../../package/testCache.ts';
import type { Layout, Place } from './layoutRow.ts';
import { moveLink } from './nodeLayouts.ts';

const versions = ['0.1.0', '0.2.0'] as const;
const program = 'stale-mcp';
/** The same dependency for every version: the server itself is the subject. */
const specs = (version: string): readonly string[] => [`${program}==${version}`, 'stalelib==1.0.0'];

const venvOf = (place: Place): string => join(place.folder, 'venv');

async function fill(venv: string, version: string): Promise<void> {
  if (!existsSync(venv)) {
    await makeVenv(venv);
  }
  await pip(venv, 'install', ...specs(version));
}

const venv: Layout = {
  name: 'venv, pip install',
  made: 'real',
  how: 'in place',
  quick: ['downgrade', 'same version again'],
  versions,
  install: (place, version) => fill(venvOf(place), version),
  again: (place, version) => pip(venvOf(place), 'install', '--force-reinstall', ...specs(version)),
  unrelated: (place) => pip(venvOf(place), 'install', 'unrelated'),
  prune: () => undefined,
  command: (place) => ({ words: [venvPath(venvOf(place), program)] }),
};

/** An environment for each version, and a link to the chosen one. */
const venvSwitch: Layout = {
  ...venv,
  name: 'a venv for each version, link switched',
  made: 'real, link by hand',
  how: 'link',
  quick: [],
  async install(place, version) {
    await fill(join(place.folder, 'venvs', version), version);
    moveLink(`venvs/${version}`, venvOf(place));
  },
  async again(place, version) {
    await fill(join(place.folder, 'venvs', 'again'), version);
    moveLink('venvs/again', venvOf(place));
  },
  prune: (place, old) => rmSync(join(place.folder, 'venvs', old), { recursive: true }),
};

/** pipx as Debian has it, with a home of its own and the wheels as the only source. */
async function pipx(place: Place, ...args: readonly string[]): Promise<string> {
  const wheels = { PIP_FIND_LINKS: await pythonWheels() };
  const env = { ...cleanEnv(place.env.HOME), ...wheels, PIPX_HOME: join(place.folder, 'pipx'), PIPX_BIN_DIR: join(place.folder, 'bin') };
  // pipx makes an environment with pip first, which takes longer than all the rest.
  const shared = await keptFolder('pipx-shared', async (making) => {
    const other = { PIPX_SHARED_LIBS: making, PIPX_HOME: `${making}-home`, PIPX_BIN_DIR: `${making}-home` };
    await run('pipx', ['install', 'unrelated', '--include-deps'], { cwd: place.folder, env: { ...env, ...other } }).catch(() => undefined);
  });
  return run('pipx', args, { cwd: place.folder, env: { ...env, PIPX_SHARED_LIBS: shared } });
}

const pipxLayout: Layout = {
  ...venv,
  name: 'pipx',
  quick: [],
  made: 'real',
  async install(place, version) {
    const metadata = join(place.folder, 'pipx', 'venvs', program, 'pipx_metadata.json');
    if (version === versions[1] && existsSync(metadata)) {
      // The first version was pinned, so that it is not the newest.
      writeFileSync(metadata, readFileSync(metadata, 'utf8').replace(`${program}==${versions[0]}`, program));
      return pipx(place, 'upgrade', program);
    }
    return pipx(place, 'install', '--force', `${program}==${version}`);
  },
  again: (place) => pipx(place, 'reinstall', program),
  unrelated: (place) => pipx(place, 'inject', program, 'unrelated'),
  command: (place) => ({ words: [join(place.folder, 'bin', program)] }),
};

/** `uv tool`: an environment for each tool with a receipt, and links to its programs. An upgrade changes the environment in place. */
const uvTool: Layout = {
  ...venv,
  name: 'uv tool',
  quick: [],
  made: 'by hand',
  async install(place, version) {
    const tool = join(place.folder, 'uv', 'tools', program);
    await fill(tool, version);
    writeFileSync(join(tool, 'uv-receipt.toml'), `[tool]\nrequirements = [{ name = "${program}" }]\n`);
    moveLink(venvPath(tool, program), join(place.folder, 'bin', program));
  },
  // `uv tool install --force` makes the environment again.
  async again(place, version) {
    rmSync(join(place.folder, 'uv', 'tools', program), { recursive: true });
    await this.install(place, version);
  },
  unrelated: (place) => fillOther(join(place.folder, 'uv', 'tools', 'unrelated')),
  command: (place) => ({ words: [join(place.folder, 'bin', program)] }),
};

async function fillOther(folder: string): Promise<void> {
  mkdirSync(join(folder, '..'), { recursive: true });
  await makeVenv(folder);
  await pip(folder, 'install', 'unrelated');
}

/** Layouts of Python's installers. */
export const pythonLayouts: readonly Layout[] = [venv, venvSwitch, ...(existsSync('/usr/bin/pipx') ? [pipxLayout] : []), uvTool];
