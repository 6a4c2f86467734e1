import { join, resolve } from 'node:path';
import { isRecord } from '../../base/json.ts';
import { because } from '../../base/language/because.ts';
import { commandName, isNode } from '../../process/commandline/commandName.ts';
import type { LaunchSpec } from '../../process/commandline/launchSpec.ts';
import { packageManagerScript } from '../../process/commandline/npmCommand.ts';
import { splitShell } from '../../process/commandline/shellWords.ts';
import { readJsonObject, statPath } from '../../storage/boundedFile.ts';
import { findProgram, type SearchPlace } from './commandPath.ts';
import { holderOf } from './versionManagers.ts';

/** A script of a package.json that decides what a command starts. */
export interface PackageScript {
  /** The package.json. */
  readonly file: string;
  readonly name: string;
  /** Undefined: the file has no such script and the project no such program, so that the command fails. */
  readonly line?: string;
}

/** One step: the words that the program starts in turn, or the end of the chain. */
export type CommandStep =
  | { readonly next: readonly string[]; readonly cwd?: string; readonly ownPath?: true; readonly script?: PackageScript }
  | { readonly argv: readonly string[] }
  | { readonly unknown: string; readonly script?: PackageScript }
  | 'elsewhere';

/** Options that choose no other package.json. With any other one it is not known that a script is missing. */
const harmless = /^(-s|-q|--silent|--quiet|--bun|-b|-C|--(cwd|prefix|dir)(=.*)?)$/;
/** Endings of files that Bun runs by their bare name. */
const endings = ['', '.ts', '.tsx', '.js', '.jsx', '.mjs', '.cjs', '.mts', '.cts'];

/**
 * `npm run NAME`, `bun run NAME`, `pnpm NAME`, where the script is one plain command. Without such a script pnpm, yarn and Bun start a program of the project (npm
 * does not), Bun also one on PATH; `start` stands for `node server.js`.
 */
export function packageScript(words: readonly string[], launch: LaunchSpec, place: SearchPlace, visited: Set<string>): CommandStep {
  const cwd = launch.cwd === undefined ? place.cwd : resolve(place.cwd ?? '/', launch.cwd);
  const folder = cwd === undefined ? undefined : holderOf(cwd, 'package.json');
  const file = folder === undefined ? undefined : join(folder, 'package.json');
  const { target: name = '' } = launch;
  const manifest = file === undefined ? undefined : readJsonObject(file);
  if (cwd === undefined || (file !== undefined && manifest === undefined)) {
    return { unknown: because`its package script cannot be read` };
  }
  if (folder === undefined || file === undefined) {
    const missing = isPlain(words, name, place) ? { script: { file: join(cwd, 'package.json'), name } } : {};
    return { unknown: because`there is no package.json with its package script`, ...missing };
  }
  visited.add(file);
  const line = isRecord(manifest?.scripts) ? manifest.scripts[name] : undefined;
  if (typeof line !== 'string') {
    return withoutScript(words, launch, { ...place, cwd }, { file, name, folder });
  }
  const script = { file, name, line };
  const commands = splitShell(line);
  const [program = '', ...rest] = (commands?.length === 1 ? commands[0]?.words : undefined) ?? [];
  if (program === '' || /[=$`*?]/.test(program)) {
    return { unknown: because`its package script is more than one program`, script };
  }
  const own = join(folder, 'node_modules', '.bin', program);
  const local = !program.includes('/') && statPath(own).status === 'ok';
  return { next: [local ? own : program, ...rest, ...launch.args], cwd: folder, script };
}

function withoutScript(
  words: readonly string[],
  launch: LaunchSpec,
  place: SearchPlace & { readonly cwd: string },
  { folder, ...script }: PackageScript & { readonly folder: string },
): CommandStep {
  const { name } = script;
  const [program = '', first = ''] = words;
  const tool = isNode(commandName(program)) ? packageManagerScript(first) : commandName(program);
  const isBun = tool === 'bun';
  const others = isBun || tool === 'pnpm' || tool === 'yarn';
  const holder = others ? holderOf(folder, join('node_modules', '.bin', name)) : undefined;
  if (holder !== undefined) {
    return { next: [join(holder, 'node_modules', '.bin', name), ...launch.args], cwd: place.cwd };
  }
  if (isBun && endings.some((ending) => statPath(join(place.cwd, name + ending)).status !== 'absent')) {
    return { unknown: because`${name} is a file that Bun finds by its rules` };
  }
  const onPath = isBun ? findProgram(name, place) : undefined;
  if (onPath !== undefined) {
    return { next: [onPath, ...launch.args] };
  }
  if (name === 'start' && !isBun && statPath(join(folder, 'server.js')).status !== 'absent') {
    return { next: ['node', 'server.js', ...launch.args], cwd: folder };
  }
  // With Plug'n'Play the programs of a project are in no folder, and `pnpm NAME` starts any program.
  const isGone = tool !== 'yarn' && (tool !== 'pnpm' || words.includes('run')) && isPlain(words, name, place);
  return { unknown: because`${script.file} has no script ${name}`, ...(isGone ? { script } : {}) };
}

/** Whether nothing else than the directory decides which package.json has the script: no workspace and no filter. npm takes options behind the name, too. */
function isPlain(words: readonly string[], name: string, { environment }: SearchPlace): boolean {
  const others = ['bun', 'pnpm', 'yarn'].includes(commandName(words[0] ?? ''));
  const end = words.indexOf(others ? name : '--');
  const options = words.slice(1, end < 0 ? undefined : end).filter((word) => word.startsWith('-'));
  return (
    options.every((word) => harmless.test(word)) && ![...(environment?.keys() ?? [])].some((key) => /^npm_config_workspace/i.test(key))
  );
}
