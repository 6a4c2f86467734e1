import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../package/command.ts';
import { cleanEnv, makeVenv, pip, pythonWheels, venvPath } from '../../package/pythonWheels.ts';
import { keptFolder } from '../../package/testCache.ts';
import { type Layout, type Place, writeProgram } from './layoutRow.ts';
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
  // The environment that the process names is still there, and nothing was written into it.
  seenAfterwards: {
    upgrade: 'stale/replaced-beside/proven',
    downgrade: 'stale/replaced-beside/proven',
    'same version again': '-',
    'roll-back': '-',
  },
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

/** A formula with an environment of its own in each keg, and links to the linked one. */
const brewPython: Layout = {
  ...venv,
  name: 'Homebrew, a formula of Python',
  quick: ['upgrade', 'prune of the old version'],
  made: 'real, link by hand',
  how: 'beside',
  install: (place, version) => linkKeg(place, version, version),
  again: (place, version) => linkKeg(place, version, `${version}_1`),
  unrelated: (place) => fillOther(join(place.folder, 'Cellar', 'unrelated', '1.0.0', 'libexec')),
  prune: (place, old) => rmSync(join(place.folder, 'Cellar', program, old), { recursive: true }),
  command: (place) => ({ words: [join(place.folder, 'bin', program)] }),
};

async function linkKeg(place: Place, version: string, keg: string): Promise<void> {
  const environment = join(place.folder, 'Cellar', program, keg, 'libexec');
  if (!existsSync(environment)) {
    mkdirSync(join(environment, '..'), { recursive: true });
    await fill(environment, version);
    moveLink(`../libexec/bin/${program}`, join(environment, '..', 'bin', program));
  }
  moveLink(`../Cellar/${program}/${keg}`, join(place.folder, 'opt', program));
  moveLink(`../Cellar/${program}/${keg}/bin/${program}`, join(place.folder, 'bin', program));
}

/** `python -m` with a Python for each version, its shim, and the file that chooses. asdf becomes the Python; a script stands in for it. */
const asdfPython: Layout = {
  ...venv,
  name: 'asdf, python -m',
  quick: ['prune of the old version'],
  made: 'by hand',
  how: 'beside',
  seenAfterwards: { 'same version again': 'stale/package/likely', 'prune of the old version': 'stale/replaced-beside/likely' },
  install: choosePython,
  async again(place, version) {
    rmSync(pythonOf(place, version), { recursive: true });
    await choosePython(place, version);
  },
  unrelated: (place) => writeFileSync(join(place.folder, '.tool-versions'), `python ${numberOf(versions[0])}\nruby 3.4.1\n`),
  prune: (place, old) => rmSync(pythonOf(place, old), { recursive: true }),
  command: ({ folder, env }) => ({
    words: ['python', '-m', program.replace('-', '_')],
    env: { PATH: `${join(folder, '.asdf', 'shims')}:${join(folder, 'bin')}:${env.PATH}` },
  }),
};

const numberOf = (version: string): string => `3.${version.split('.')[1]}.0`;
const pythonOf = (place: Place, version: string): string => join(place.folder, '.asdf', 'installs', 'python', numberOf(version));

async function choosePython(place: Place, version: string): Promise<void> {
  const [root, installs] = [join(place.folder, '.asdf'), join(place.folder, '.asdf', 'installs', 'python')];
  mkdirSync(installs, { recursive: true });
  if (!existsSync(pythonOf(place, version))) {
    await fill(pythonOf(place, version), version);
  }
  writeProgram(
    join(root, 'shims', 'python'),
    `#!/usr/bin/env bash\n# asdf-plugin: python ${numberOf(version)}\nexec asdf exec "python" "$@"\n`,
  );
  const own = `${installs}/$(sed -n 's/^python //p' ${join(place.folder, '.tool-versions')})/bin`;
  writeProgram(join(place.folder, 'bin', 'asdf'), `#!/bin/sh\nname=$2\nshift 2\nPATH="${own}:$PATH"\nexec "${own}/$name" "$@"\n`);
  writeFileSync(join(place.folder, '.tool-versions'), `python ${numberOf(version)}\n`);
}

async function fillOther(folder: string): Promise<void> {
  mkdirSync(join(folder, '..'), { recursive: true });
  await makeVenv(folder);
  await pip(folder, 'install', 'unrelated');
}

/** Layouts of Python's installers. */
export const pythonLayouts: readonly Layout[] = [
  venv,
  venvSwitch,
  ...(existsSync('/usr/bin/pipx') ? [pipxLayout] : []),
  uvTool,
  brewPython,
  asdfPython,
];
