import { t } from '../../base/language/translate.ts';
import { clientById, clientName } from '../../clients/clientTable.ts';
import type { RawDefinition } from '../../model/definition.ts';
import { programPaths } from '../../package/resolve/commandPath.ts';
import { commandName } from '../../process/commandline/commandName.ts';
import { isGuarded } from '../match/guardedEntries.ts';
import { definitionLaunches } from '../match/launchFit.ts';
import { isAbsolutePath, pathFrom } from '../match/wordPattern.ts';
import { baseFolder, cannotStart, clientEnvironments, contentAt, filledWord, type HealthFacts, type HealthVerdict } from './healthFacts.ts';

/** Programs that are one file: they run by their path, without another program on PATH. */
const wholePrograms: ReadonlySet<string> = new Set(['uv', 'uvx', 'bun', 'bunx', 'deno', 'docker', 'podman']);
/** Shims that find the rest of what they run by themselves. */
const wholeShims = /\/\.volta\/bin\/|\/mise\/shims\//;
/** A path that another version of the program does not have. */
const versioned = /[\\/](?:versions|node-versions|fnm_multishells|Cellar|installs|toolchains)[\\/]|[\\/][^\\/]*\d\.\d[^\\/]*[\\/]/;
/** Where installers put programs, below the home or absolute. */
const usualFolders = [
  ...[
    '.local/bin',
    '.cargo/bin',
    '.bun/bin',
    '.deno/bin',
    '.volta/bin',
    '.local/share/mise/shims',
    '.asdf/shims',
    '.pyenv/shims',
    'go/bin',
  ],
  ...['/opt/homebrew/bin', '/usr/local/bin', '/home/linuxbrew/.linuxbrew/bin', '/snap/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin'],
];
/** Version managers whose programs only their own shells have on PATH. */
const managerFolders = [
  '.nvm',
  '.fnm',
  '.local/share/fnm',
  '.local/share/mise',
  '.asdf',
  '.nodenv',
  '.pyenv',
  '.sdkman',
  '.rbenv',
  '.proto',
];
/** Windows finds these without PATH. */
const systemPrograms = /^(?:cmd|wsl)(?:\.exe)?$/i;
/** The PATH that macOS gives to programs of the desktop. */
const desktopPath = '/usr/bin:/bin:/usr/sbin:/sbin';

type ProgramState =
  | { readonly kind: 'command-missing'; readonly path?: string; readonly now?: string }
  | { readonly kind: 'command-hidden'; readonly path: string };

/** The entry's program is nowhere: its path leads to no program, or no folder of PATH has it. */
export function missingCommand(entry: RawDefinition, facts: HealthFacts): HealthVerdict | undefined {
  const state = programState(entry, facts);
  if (state?.kind !== 'command-missing') {
    return undefined;
  }
  const { path, now } = state;
  if (path === undefined) {
    return {
      message: t(
        '{0} no folder of PATH has {1}. Install it, or write the full path of the program in the entry.',
        cannotStart(entry),
        entry.command ?? '',
      ),
    };
  }
  const gone =
    contentAt(path, facts) === 'absent'
      ? t('{0} {1} does not exist.', cannotStart(entry), path)
      : t('{0} {1} is no program that can be run.', cannotStart(entry), path);
  return now === undefined
    ? { message: t('{0} Install it again, or correct the path in the entry.', gone) }
    : { message: t('{0} {1} is {2}: write that path in the entry.', gone, commandName(path), now), fix: { kind: 'program', path: now } };
}

/** The entry's program is found by a terminal, and not with the PATH that its client has. */
export function hiddenCommand(entry: RawDefinition, facts: HealthFacts): HealthVerdict | undefined {
  const state = programState(entry, facts);
  if (state?.kind !== 'command-hidden') {
    return undefined;
  }
  const { path } = state;
  const hidden = t(
    '{0} {1} is {2}, and the PATH of {3} does not have that folder.',
    cannotStart(entry),
    entry.command ?? '',
    path,
    clientName(entry.client),
  );
  return runsByPath(path)
    ? { message: t('{0} Write the full path in the entry.', hidden), fix: { kind: 'program', path } }
    : { message: t('{0} Install {1} where every program finds it, or set PATH in the entry’s environment.', hidden, entry.command ?? '') };
}

function programState(entry: RawDefinition, facts: HealthFacts): ProgramState | undefined {
  const word = entry.command === undefined ? undefined : filledWord(entry.command, entry, facts);
  // A launcher of ours that is gone is a problem of the scan.
  if (word === undefined || isGuarded(entry)) {
    return undefined;
  }
  if (/[\\/]/.test(word)) {
    return pathState(word, entry, facts);
  }
  if (facts.platform === 'win32' && systemPrograms.test(word)) {
    return undefined;
  }
  const own = entry.env.PATH ?? entry.env.Path;
  // What the entry adds to its PATH may come from variables that only the client knows.
  if (own !== undefined && own !== null && filledWord(own, entry, facts) === undefined) {
    return undefined;
  }
  const paths = clientPaths(entry, facts);
  const first = (lists: readonly string[]): string | undefined =>
    lists.map((path) => onPath(word, path, facts)).find((path) => path !== undefined);
  if (first([...(own ? [own] : []), ...(paths ?? [])]) !== undefined) {
    return undefined;
  }
  const elsewhere = first([pathOf(facts.env), usualPath(facts)]);
  if (elsewhere !== undefined) {
    return paths === undefined || isAddedByClient(entry, elsewhere) ? undefined : { kind: 'command-hidden', path: elsewhere };
  }
  // A terminal of the user may have it by a version manager.
  return paths === undefined && hasManager(facts) ? undefined : { kind: 'command-missing' };
}

function pathState(word: string, entry: RawDefinition, facts: HealthFacts): ProgramState | undefined {
  const base = isAbsolutePath(word) ? '/' : baseFolder(entry, undefined, facts);
  if (base === undefined) {
    return undefined;
  }
  const path = isAbsolutePath(word) ? word : pathFrom(base, word);
  const forms = programPaths(path, { cwd: base, environment: new Map(), platform: facts.platform }) ?? [path];
  const seen = [path, ...forms].map((form) => contentAt(form, facts));
  if (seen.some((content) => content === 'program' || content === 'unknown')) {
    return undefined;
  }
  const name = commandName(path);
  const now = versioned.test(path) && seen.every((content) => content === 'absent') ? stableProgram(name, entry, facts) : undefined;
  return { kind: 'command-missing', path, ...(now === undefined ? {} : { now }) };
}

/** The one path of a program that outlives its versions and runs without the client's PATH. */
function stableProgram(name: string, entry: RawDefinition, facts: HealthFacts): string | undefined {
  const found = [...(clientPaths(entry, facts) ?? []), pathOf(facts.env), usualPath(facts)].map((path) => onPath(name, path, facts));
  return found.find((path) => path !== undefined && runsByPath(path));
}

function runsByPath(path: string): boolean {
  return !versioned.test(path) && (wholePrograms.has(commandName(path)) || wholeShims.test(path));
}

/** Every PATH that the entry's clients have; undefined where none is known. */
function clientPaths(entry: RawDefinition, facts: HealthFacts): readonly string[] | undefined {
  const rule = clientById(entry.client)?.path;
  if (rule === undefined) {
    return undefined;
  }
  const known = clientEnvironments(entry, facts)?.flatMap((environment) => environment.get('PATH') ?? []);
  return known ?? (rule !== 'terminal' && facts.platform === 'darwin' ? [desktopPath] : undefined);
}

/** Whether the client searches the program's folder beside its PATH. */
function isAddedByClient(entry: RawDefinition, path: string): boolean {
  const rule = clientById(entry.client)?.path;
  return rule !== undefined && rule !== 'terminal' && rule.adds.test(path);
}

function onPath(name: string, path: string, facts: HealthFacts): string | undefined {
  const isWindows = facts.platform === 'win32';
  const folders = path.split(isWindows ? ';' : ':').filter(isAbsolutePath);
  const environment = new Map([['PATH', folders.join(isWindows ? ';' : ':')]]);
  return programPaths(name, { cwd: undefined, environment, platform: facts.platform })?.find(
    (found) => contentAt(found, facts) === 'program',
  );
}

function pathOf(env: HealthFacts['env']): string {
  return env.PATH ?? env.Path ?? '';
}

function usualPath({ home, platform }: HealthFacts): string {
  return platform === 'win32' ? '' : usualFolders.map((folder) => (folder.startsWith('/') ? folder : `${home}/${folder}`)).join(':');
}

function hasManager(facts: HealthFacts): boolean {
  return ['/nix', ...managerFolders.map((folder) => `${facts.home}/${folder}`)].some((path) => contentAt(path, facts) === 'folder');
}

/** Launchers that read a script by its path. */
const scriptLaunchers: ReadonlySet<string> = new Set(['node', 'python-script', 'bun']);
/** Node finds these for a path without them. */
const scriptEnds = ['', '.js', '.cjs', '.mjs', '.json', '.ts', '.py'];
/** Wrappers that start the rest on this machine, with the same files. */
const localWrappers: ReadonlySet<string> = new Set(['env', 'cmd', 'mcp-shepherd guard', 'nohup', 'nice', 'timeout', 'caffeinate', 'arch']);

/** The script or the working directory of the entry is gone. */
export function missingFile(entry: RawDefinition, facts: HealthFacts): HealthVerdict | undefined {
  const launches = definitionLaunches(entry);
  if (launches.some(({ wrappers }) => wrappers.some((wrapper) => !localWrappers.has(wrapper)))) {
    return undefined;
  }
  const folder = entry.cwd === undefined ? undefined : filledWord(entry.cwd, entry, facts);
  if (folder !== undefined && isAbsolutePath(folder) && contentAt(folder, facts) === 'absent') {
    return { message: t('{0} its working directory {1} does not exist. Correct it in the entry.', cannotStart(entry), folder) };
  }
  const path = launches.map((launch) => scriptPath(launch, entry, facts)).find((one) => one !== undefined);
  return path === undefined || scriptEnds.some((end) => contentAt(path + end, facts) !== 'absent')
    ? undefined
    : { message: t('{0} {1} does not exist. Restore the file, or correct its path in the entry.', cannotStart(entry), path) };
}

function scriptPath(
  { launcher, target, cwd }: ReturnType<typeof definitionLaunches>[number],
  entry: RawDefinition,
  facts: HealthFacts,
): string | undefined {
  const word = target === undefined || !scriptLaunchers.has(launcher) ? undefined : filledWord(target, entry, facts);
  if (word === undefined || word === '-' || !/[\\/]|\.\w+$/.test(word) || /^\w{2,}:/.test(word)) {
    return undefined;
  }
  const base = isAbsolutePath(word) ? '/' : baseFolder(entry, cwd, facts);
  return base === undefined ? undefined : isAbsolutePath(word) ? word : pathFrom(base, word);
}

/** On Windows `npx` is a batch file, which the client does not start without `cmd /c`. */
export function needsCmd(entry: RawDefinition, facts: HealthFacts): HealthVerdict | undefined {
  const row = clientById(entry.client);
  return facts.platform === 'win32' && row?.asksForCmd && entry.command !== undefined && /^npx(?:\.cmd)?$/i.test(entry.command)
    ? {
        message: t('{0} asks for “cmd /c” before npx on Windows: some of its versions cannot start {1} without it.', row.name, entry.name),
        fix: { kind: 'cmd' },
      }
    : undefined;
}
