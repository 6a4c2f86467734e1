import { posix, win32 } from 'node:path';
import type { Ecosystem } from '../model/package.ts';
import { isNpmName } from '../version/npmSpec.ts';
import { isPythonName } from '../version/pythonSpec.ts';
import { versionShaped } from '../version/versionShape.ts';

/** What is known of how a package was installed: names of files, and what they say. Plain data. */
export interface InstallFacts {
  readonly ecosystem: Ecosystem;
  readonly name: string;
  readonly platform: NodeJS.Platform;
  /** Directory whose `node_modules` holds it, or the Python environment. */
  readonly environment: string;
  /** npm: the project around it; `environment` itself except in pnpm's own layout. */
  readonly project: string;
  /** Which of the telling files stand in `project` (npm) or in `environment` and the folder above it (Python, those as `../NAME`). */
  readonly files: ReadonlySet<string>;
  /** npm: the project's package.json requires it itself. */
  readonly direct: boolean;
  /** The specification that it was started or installed with, where a tool wrote one down (`name@1.2`, `name==1.0`). */
  readonly asked?: string;
  /** Python: the text of its INSTALLER file, lower case. */
  readonly installer?: string;
  /** Python: the system forbids pip here (PEP 668). */
  readonly externallyManaged?: boolean;
  /** Python: pip is installed in the environment. */
  readonly hasPip?: boolean;
  /**
   * Python: a folder that an interpreter elsewhere adds to its own: a user's (`pip install --user`), or Debian's `/usr/local`. `python` is the minor version
   * that it is for ("3.11"), `managed` that the system forbids pip in that interpreter's own (PEP 668).
   */
  readonly addedSite?: { readonly python: string; readonly managed: boolean; readonly ofUser: boolean };
}

/** How to bring the new version there: a command as arguments, never a line for a shell; or words where no single command does. */
export type Upgrade = { readonly argv: readonly string[]; readonly cwd?: string } | { readonly words: string };

/** Names of the files that tell how an npm package was installed. */
export const npmMarks: readonly string[] = [
  'package.json',
  'package-lock.json',
  'npm-shrinkwrap.json',
  'pnpm-lock.yaml',
  'yarn.lock',
  '.yarnrc.yml',
  'bun.lock',
  'bun.lockb',
];

/** The same for Python. */
export const pythonMarks: readonly string[] = [
  'pyvenv.cfg',
  'pipx_metadata.json',
  'uv-receipt.toml',
  'conda-meta',
  '../uv.lock',
  '../poetry.lock',
  '../pdm.lock',
  '../Pipfile.lock',
];

/**
 * The exact command for the way in which a package was installed. Names and versions that are not shaped as such are refused: nothing that stands
 * in somebody's metadata becomes an option or a line of shell.
 */
export function upgradeCommand(facts: InstallFacts, version: string): Upgrade {
  const { ecosystem, name } = facts;
  const named = ecosystem === 'npm' ? isNpmName(name) : isPythonName(name);
  if (!named || versionShaped(version) !== version) {
    return { words: 'its name or version has a shape that no command should be made of' };
  }
  return ecosystem === 'npm' ? npmUpgrade(facts, version) : pythonUpgrade(facts, version);
}

function npmUpgrade(facts: InstallFacts, version: string): Upgrade {
  const { name, project, environment } = facts;
  const path = facts.platform === 'win32' ? win32 : posix;
  const parts = environment.split(/[\\/]/);
  const spec = `${name}@${version}`;
  const pinned = facts.asked !== undefined && !followsNewest(facts.asked, name);
  if (parts.includes('_npx')) {
    return pinned ? pinnedWords(facts, spec) : { argv: ['npm', 'install', '--prefix', environment, spec] };
  }
  if (parts.some((part) => /^bunx-\d+-/.test(part)) || parts.includes('dlx') || parts.some((part) => part.startsWith('dlx-'))) {
    return pinned
      ? pinnedWords(facts, spec)
      : { words: `it is run from a download cache: write ${spec} in the configuration that starts it` };
  }
  const tail = project.replaceAll('\\', '/');
  if (/\/pnpm\/global\/(v?\d+)(\/|$)/.test(`${tail}/`)) {
    return { argv: ['pnpm', 'add', '-g', spec] };
  }
  if (/\/\.bun\/install\/global$/.test(tail)) {
    return { argv: ['bun', 'add', '-g', spec] };
  }
  if (/\/yarn\/global$|\/Yarn\/Data\/global$/.test(tail)) {
    return { argv: ['yarn', 'global', 'add', spec] };
  }
  const has = (...names: readonly string[]): boolean => names.some((one) => facts.files.has(one));
  if (!has('package.json')) {
    const prefix = facts.platform === 'win32' ? project : path.basename(project) === 'lib' ? path.dirname(project) : undefined;
    return prefix === undefined
      ? { words: `it is in ${project}, which is no project: how it came there is not known` }
      : { argv: ['npm', 'install', '-g', '--prefix', prefix, spec] };
  }
  if (!facts.direct) {
    return { words: `${project} does not require it by itself: upgrade the package that does, or the workspace that it belongs to` };
  }
  if (has('pnpm-lock.yaml')) {
    return { argv: ['pnpm', '--dir', project, 'update', spec] };
  }
  if (has('yarn.lock')) {
    return { argv: has('.yarnrc.yml') ? ['yarn', '--cwd', project, 'up', spec] : ['yarn', '--cwd', project, 'upgrade', spec] };
  }
  if (has('bun.lock', 'bun.lockb')) {
    return { argv: ['bun', 'add', '--cwd', project, spec] };
  }
  return { argv: ['npm', 'install', '--prefix', project, spec] };
}

/** Whether the next start by the same words would take a newer version at all. */
function followsNewest(asked: string, name: string): boolean {
  const rest = asked.startsWith(name) ? asked.slice(name.length) : asked;
  return rest === '' || /^@[A-Za-z][\w.-]*$/.test(rest) || /^\[[^\]]*\](@latest)?$/.test(rest);
}

function pinnedWords(facts: InstallFacts, spec: string): Upgrade {
  return { words: `it is started as ${facts.asked}: write ${spec} in the configuration that starts it` };
}

function pythonUpgrade(facts: InstallFacts, version: string): Upgrade {
  const { name, environment, installer, platform } = facts;
  const path = platform === 'win32' ? win32 : posix;
  const has = (one: string): boolean => facts.files.has(one);
  const pinned = facts.asked !== undefined && !followsNewest(facts.asked, name);
  const exact = `${name}==${version}`;
  if (has('pipx_metadata.json')) {
    return { argv: pinned ? ['pipx', 'install', '--force', exact] : ['pipx', 'upgrade', path.basename(environment)] };
  }
  if (has('uv-receipt.toml')) {
    return { argv: pinned ? ['uv', 'tool', 'install', exact] : ['uv', 'tool', 'upgrade', path.basename(environment)] };
  }
  if (/[\\/]archive-v\d+[\\/]/.test(`${environment}/`)) {
    // Python with an empty program, so that the server itself is not started in the terminal.
    return pinned
      ? pinnedWords(facts, exact)
      : { argv: ['uvx', '--refresh', '--from', facts.asked?.replace(/@latest$/, '') ?? name, 'python', '-c', 'pass'] };
  }
  if (has('conda-meta')) {
    return installer === 'conda' || installer === undefined
      ? { words: `it belongs to the conda environment ${environment}: upgrade it there` }
      : { argv: [interpreter(facts), '-m', 'pip', 'install', exact] };
  }
  if (has('pyvenv.cfg') && path.basename(environment) === '.venv') {
    const project = path.dirname(environment);
    for (const [lock, argv] of [
      ['../uv.lock', ['uv', 'sync', '--project', project, '--upgrade-package', name]],
      ['../poetry.lock', ['poetry', '--directory', project, 'update', name]],
      ['../pdm.lock', ['pdm', 'update', '--project', project, name]],
      ['../Pipfile.lock', ['pipenv', 'update', name]],
    ] as const) {
      if (has(lock)) {
        return { argv, ...(lock === '../Pipfile.lock' ? { cwd: project } : {}) };
      }
    }
  }
  if (facts.externallyManaged || (installer !== undefined && installer !== 'pip' && installer !== 'uv')) {
    return { words: `it belongs to ${environment}, which the system's package manager or another tool looks after: upgrade it there` };
  }
  if (installer === 'uv') {
    return { argv: ['uv', 'pip', 'install', '--python', interpreter(facts), exact] };
  }
  if (facts.addedSite) {
    const { python, managed, ofUser } = facts.addedSite;
    // Where the system forbids pip, it was installed over that; without the word pip refuses to upgrade it too.
    const words = [...(ofUser ? ['--user'] : []), ...(managed ? ['--break-system-packages'] : [])];
    return { argv: [`python${python}`, '-m', 'pip', 'install', ...words, exact] };
  }
  if (has('pyvenv.cfg') && facts.hasPip === false) {
    // Installed by a pip from outside.
    return { argv: ['python3', '-m', 'pip', '--python', interpreter(facts), 'install', exact] };
  }
  if (has('pyvenv.cfg') || facts.hasPip) {
    return { argv: [interpreter(facts), '-m', 'pip', 'install', exact] };
  }
  return { argv: ['python3', '-m', 'pip', 'install', '--user', exact] };
}

function interpreter({ platform, environment, files }: InstallFacts): string {
  if (platform !== 'win32') {
    return posix.join(environment, 'bin', 'python3');
  }
  return files.has('pyvenv.cfg') ? win32.join(environment, 'Scripts', 'python.exe') : win32.join(environment, 'python.exe');
}

/** The command as one line for the eyes, quoted where a space would mislead. */
export function shownCommandLine(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w@%+=:,./\\~^-]+$/.test(word) ? word : `"${word}"`)).join(' ');
}
