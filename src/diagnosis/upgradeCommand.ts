import { posix, win32 } from 'node:path';
import { t } from '../base/language/translate.ts';
import type { Ecosystem } from '../model/package.ts';
import { isNpmName } from '../version/npmSpec.ts';
import { isPythonName } from '../version/pythonSpec.ts';
import { versionShaped } from '../version/versionShape.ts';

/** The way a package was installed, as far as it is known. Plain data. */
export interface InstallFacts {
  readonly ecosystem: Ecosystem;
  readonly name: string;
  readonly platform: NodeJS.Platform;
  /** npm: the directory whose `node_modules` holds it. Python: the environment. */
  readonly environment: string;
  /** npm: the project around it; `environment` itself except in pnpm's own layout. */
  readonly project: string;
  /** Which of `npmMarks` are in `project`, or of `pythonMarks` in `environment` (`../NAME`: in the folder above it). */
  readonly files: ReadonlySet<string>;
  /** npm: the project's package.json lists it as a dependency. */
  readonly direct: boolean;
  /** The specification that it was started or installed with, where a tool recorded one (`name@1.2`, `name==1.0`). */
  readonly asked?: string;
  /** Python: the text of its INSTALLER file, lower case. */
  readonly installer?: string;
  /** Python: the system forbids pip in this environment (PEP 668). */
  readonly externallyManaged?: boolean;
  /** Python: pip is installed in the environment. */
  readonly hasPip?: boolean;
  /**
   * Python: a folder that an interpreter adds to its own library: the user's (`pip install --user`), or Debian's `/usr/local`. `python` is the interpreter's
   * minor version ("3.11"); `managed`: the system forbids pip in that interpreter's library (PEP 668).
   */
  readonly addedSite?: { readonly python: string; readonly managed: boolean; readonly ofUser: boolean };
}

/** How to install the new version: a command as arguments, never a line for a shell; or a sentence where no single command does it. */
export type Upgrade = { readonly argv: readonly string[]; readonly cwd?: string } | { readonly words: string };

/** Files that show how an npm package was installed. */
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

const unusual = (): Upgrade => ({ words: t('its name or version has an unusual shape, so no command is suggested') });

/**
 * The exact upgrade command for the way in which a package was installed. Names and versions of another shape are refused, so that no text from a package's
 * metadata becomes an option or a shell command.
 */
export function upgradeCommand(facts: InstallFacts, version: string): Upgrade {
  const { ecosystem, name } = facts;
  const named = ecosystem === 'npm' ? isNpmName(name) : isPythonName(name);
  if (!named || versionShaped(version) !== version) {
    return unusual();
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
      : { words: t('it is run from a download cache: write {0} in the configuration that starts it', spec) };
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
      ? { words: t('it is in {0}, which is no project: how it was installed is not known', project) }
      : { argv: ['npm', 'install', '-g', '--prefix', prefix, spec] };
  }
  if (!facts.direct) {
    return { words: t('{0} does not list it as a dependency: upgrade the package that does, or its workspace', project) };
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

/** Whether the next start with the same specification may use a newer version. */
function followsNewest(asked: string, name: string): boolean {
  const rest = asked.startsWith(name) ? asked.slice(name.length) : asked;
  return rest === '' || /^@[A-Za-z][\w.-]*$/.test(rest) || /^\[[^\]]*\](@latest)?$/.test(rest);
}

function pinnedWords(facts: InstallFacts, spec: string): Upgrade {
  return { words: t('it is started as {0}: write {1} in the configuration that starts it', facts.asked ?? '', spec) };
}

function pythonUpgrade(facts: InstallFacts, version: string): Upgrade {
  const { name, environment, installer, platform } = facts;
  const path = platform === 'win32' ? win32 : posix;
  const has = (one: string): boolean => facts.files.has(one);
  const pinned = facts.asked !== undefined && !followsNewest(facts.asked, name);
  const exact = `${name}==${version}`;
  // pipx and uv name an environment after its package, with a suffix of the user's. Another name could be read as an option.
  const folder = path.basename(environment);
  if (!pinned && (has('pipx_metadata.json') || has('uv-receipt.toml')) && !isPythonName(folder)) {
    return unusual();
  }
  if (has('pipx_metadata.json')) {
    return { argv: pinned ? ['pipx', 'install', '--force', exact] : ['pipx', 'upgrade', folder] };
  }
  if (has('uv-receipt.toml')) {
    return { argv: pinned ? ['uv', 'tool', 'install', exact] : ['uv', 'tool', 'upgrade', folder] };
  }
  if (/[\\/]archive-v\d+[\\/]/.test(`${environment}/`)) {
    if (facts.asked?.startsWith('-')) {
      return unusual();
    }
    // Runs Python with an empty program, so that the server itself does not start in the terminal.
    return pinned
      ? pinnedWords(facts, exact)
      : { argv: ['uvx', '--refresh', '--from', facts.asked?.replace(/@latest$/, '') ?? name, 'python', '-c', 'pass'] };
  }
  if (has('conda-meta')) {
    return installer === 'conda' || installer === undefined
      ? { words: t('it belongs to the conda environment {0}: upgrade it there', environment) }
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
    return { words: t("it belongs to {0}, which the system's package manager or another tool manages: upgrade it there", environment) };
  }
  if (installer === 'uv') {
    return { argv: ['uv', 'pip', 'install', '--python', interpreter(facts), exact] };
  }
  if (facts.addedSite) {
    const { python, managed, ofUser } = facts.addedSite;
    // Where the system forbids pip, the package was installed with this option; pip refuses to upgrade it without.
    const words = [...(ofUser ? ['--user'] : []), ...(managed ? ['--break-system-packages'] : [])];
    return { argv: [`python${python}`, '-m', 'pip', 'install', ...words, exact] };
  }
  if (has('pyvenv.cfg') && facts.hasPip === false) {
    // Installed by a pip outside the environment.
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

/** The command as one line for display, words with spaces in quotation marks. It is never parsed or run. */
export function shownCommandLine(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w@%+=:,./\\~^-]+$/.test(word) ? word : `"${word}"`)).join(' ');
}
