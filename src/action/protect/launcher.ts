import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import spawn from 'cross-spawn';
import * as v from 'valibot';
import { compileFolder } from '../../base/compileCache.ts';
import { readRecord, writeRecord } from '../../storage/jsonRecord.ts';
import { compareVersions } from '../../version/compareVersions.ts';
import { type LauncherFacts, posixLauncher, windowsLauncher } from './launcherScript.ts';

/** The program that installs the launcher. */
export interface Installer {
  readonly runDir: string;
  /** Folder of the programs that this one is one of. */
  readonly dist: string;
  readonly version: string;
  /** What runs this program. */
  readonly execPath: string;
  /** It is an editor's program, not a Node.js of its own. */
  readonly electron: boolean;
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What the launcher starts, each with a folder of its pieces beside it. */
const entries = ['cli.cjs', 'guard.cjs'];

const text = v.pipe(v.string(), v.maxLength(4096));
const recordSchema = v.object({
  schema: v.literal(1),
  version: text,
  programs: v.pipe(text, v.regex(/^[\w.+-]+$/)),
  node: v.optional(text),
  editor: v.optional(text),
});

/** Folders of earlier versions that stay: guards that run from them may still start their helpers. */
const keptVersions = 3;

/** Where the launcher is: it stays there whatever becomes of extensions and versions. */
export function launcherPath(runDir: string, platform: NodeJS.Platform): string {
  return join(runDir, 'shepherd', 'bin', platform === 'win32' ? 'mcp-shepherd.cmd' : 'mcp-shepherd');
}

/** Whether there is a launcher: entries may name it. */
export function hasLauncher(runDir: string): boolean {
  return existsSync(join(runDir, 'shepherd', 'bin', 'launcher.json'));
}

/**
 * Puts the launcher and a copy of the programs that it starts in place, or brings them up to date; writes nothing where all is as it should be. A newer
 * version that is there already stays.
 * @returns the launcher's path
 * @throws when a program is missing or the folder cannot be written
 */
export function installLauncher(installer: Installer): string {
  const { runDir, dist, version, platform, env } = installer;
  const folder = join(runDir, 'shepherd', 'bin');
  const path = launcherPath(runDir, platform);
  const recordFile = join(folder, 'launcher.json');
  const before = readRecord(recordFile, recordSchema);
  const isWhole = before !== undefined && entries.every((name) => existsSync(join(folder, before.programs, name)));
  const newer = isWhole && compareVersions('npm', before.version, version) === 1;
  const programs = newer ? before.programs : programsName(dist, version);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (!newer) {
    copyPrograms(dist, folder, programs);
  }
  const node = installer.electron ? kept(before?.node) : installer.execPath;
  const editor = installer.electron ? installer.execPath : kept(before?.editor);
  const after = {
    schema: 1 as const,
    version: newer ? before.version : version,
    programs,
    ...(node === undefined ? {} : { node }),
    ...(editor === undefined ? {} : { editor }),
  };
  const facts: LauncherFacts = { folder, ...after };
  writeScript(join(folder, 'mcp-shepherd'), posixLauncher(facts));
  if (platform === 'win32') {
    writeScript(path, windowsLauncher(facts, env));
  }
  if (JSON.stringify(before) !== JSON.stringify(after)) {
    writeRecord(recordFile, after);
  }
  removeOldPrograms(folder, programs);
  return path;
}

/** Runs the launcher once, as a client with an environment of its own would. @throws when it does not start what it should */
export function tryLauncher(path: string, env: Readonly<Record<string, string | undefined>>): void {
  const clean = Object.fromEntries(['PATH', 'HOME', 'USERPROFILE', 'SystemRoot', 'COMSPEC', 'PATHEXT'].map((name) => [name, env[name]]));
  const result = spawn.sync(path, ['--version'], { env: clean, encoding: 'utf8', timeout: 30_000, windowsHide: true });
  if (result.status !== 0 || !/^\d+\.\d+\.\d+/.test(result.stdout ?? '')) {
    const said = (result.error?.message ?? result.stderr ?? '').trim().split('\n')[0];
    throw new Error(`The launcher ${path} does not work on this machine: ${said || `it ended with ${result.status ?? result.signal}`}.`);
  }
}

function kept(path: string | undefined): string | undefined {
  return path !== undefined && existsSync(path) ? path : undefined;
}

/** The programs and their pieces, relative to their folder. @throws when one of the programs is missing */
function programFiles(dist: string): readonly string[] {
  return entries.flatMap((entry) => {
    const file = join(dist, entry);
    if (!existsSync(file)) {
      throw new Error(`${file} is missing: install MCP Shepherd again`);
    }
    const pieces = basename(entry, '.cjs');
    const names = existsSync(join(dist, pieces)) ? readdirSync(join(dist, pieces)).sort() : [];
    return [entry, ...names.filter((name) => name.endsWith('.cjs')).map((name) => join(pieces, name))];
  });
}

/** Named by version and content, so that another build of one version has its own folder. */
function programsName(dist: string, version: string): string {
  const hash = createHash('sha256');
  for (const name of programFiles(dist)) {
    hash.update(name).update(readFileSync(join(dist, name)));
  }
  return `${version}-${hash.digest('hex').slice(0, 8)}`;
}

/** The launcher names the folder only afterwards. Whoever copies at the same time copies the same. */
function copyPrograms(dist: string, folder: string, programs: string): void {
  const target = join(folder, programs);
  // As private as the programs, and gone with them.
  mkdirSync(join(target, compileFolder), { recursive: true, mode: 0o700 });
  for (const name of programFiles(dist)) {
    const [from, to] = [join(dist, name), join(target, name)];
    mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
    if (statSync(to, { throwIfNoEntry: false })?.size === statSync(from).size) {
      continue;
    }
    const temporary = `${to}.${process.pid}.tmp`;
    try {
      cpSync(from, temporary);
      renameSync(temporary, to);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  }
}

/** Executable from the first moment at which anybody can start it. */
function writeScript(path: string, content: string): void {
  if (readText(path) === content && (process.platform === 'win32' || (statSync(path).mode & 0o700) === 0o700)) {
    return;
  }
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, content, { mode: 0o700 });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function removeOldPrograms(folder: string, current: string): void {
  const old = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== current && /^\d+\.\d+\.\d+\S*-[0-9a-f]{8}$/.test(entry.name))
    .map(({ name }) => ({ path: join(folder, name), at: statSync(join(folder, name)).mtimeMs }))
    .sort((a, b) => b.at - a.at);
  for (const { path } of old.slice(keptVersions)) {
    rmSync(path, { recursive: true, force: true });
  }
}
