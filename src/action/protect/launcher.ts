import { createHash } from 'node:crypto';
import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import spawn from 'cross-spawn';
import * as v from 'valibot';
import { compileFolder } from '../../base/compileCache.ts';
import { reasonOf } from '../../base/errors.ts';
import { t } from '../../base/language/translate.ts';
import { readOwn } from '../../storage/atomicFile.ts';
import { readRecord, writeRecord } from '../../storage/jsonRecord.ts';
import { ownUser, privateFolder } from '../../storage/privateFolder.ts';
import { compareVersions } from '../../version/compareVersions.ts';
import { type LauncherFacts, posixLauncher, windowsLauncher } from './launcherScript.ts';

/** The program that installs the launcher, and where. */
export interface Installer {
  readonly runDir: string;
  /** Folder that holds this program and the others. */
  readonly dist: string;
  readonly version: string;
  /** The Node.js or editor that runs this program. */
  readonly execPath: string;
  /** `execPath` is an editor's program, not Node.js itself. */
  readonly electron: boolean;
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The programs that the launcher starts, each with the folder of its pieces. The extension's pieces are in `core` too: they are few, and are copied with the rest. */
const piecesOf = { 'cli.cjs': 'core', 'guard.cjs': 'guard' } as const;

const text = v.pipe(v.string(), v.maxLength(4096));
const recordSchema = v.object({
  schema: v.literal(1),
  version: text,
  programs: v.pipe(text, v.regex(/^[\w.+-]+$/)),
  node: v.optional(text),
  editor: v.optional(text),
});

/** Folders of earlier versions that are kept: running guards may still start helper programs from them. */
const keptVersions = 3;

/** The launcher's path, which is the same for all versions. */
export function launcherPath(runDir: string, platform: NodeJS.Platform): string {
  return join(runDir, 'shepherd', 'bin', platform === 'win32' ? 'mcp-shepherd.cmd' : 'mcp-shepherd');
}

/** Whether a launcher is installed, which entries may name. */
export function hasLauncher(runDir: string): boolean {
  return existsSync(join(runDir, 'shepherd', 'bin', 'launcher.json'));
}

/**
 * Installs or updates the launcher and a copy of the programs that it starts; writes nothing when they are up to date. A newer version that is already
 * installed stays.
 * @returns the launcher's path
 * @throws when a program is missing, the folder cannot be written, or another user could write there
 */
export function installLauncher(installer: Installer): string {
  const { runDir, dist, version, platform, env } = installer;
  const folder = privateFolder(runDir, 'bin');
  const path = launcherPath(runDir, platform);
  const recordFile = join(folder, 'launcher.json');
  const before = readRecord(recordFile, recordSchema);
  const isWhole = before !== undefined && Object.keys(piecesOf).every((name) => isOwn(join(folder, before.programs, name)));
  const newer = isWhole && compareVersions('npm', before.version, version) === 1;
  const programs = newer ? before.programs : programsName(dist, version);
  privateFolder(runDir, 'bin', programs);
  if (!newer) {
    copyPrograms(dist, folder, programs);
  }
  const node = installer.electron ? existing(before?.node) : installer.execPath;
  const editor = installer.electron ? installer.execPath : existing(before?.editor);
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

/** Runs the launcher once, with a minimal environment, as a client may. @throws when it does not print a version */
export function tryLauncher(path: string, env: Readonly<Record<string, string | undefined>>): void {
  const clean = Object.fromEntries(['PATH', 'HOME', 'USERPROFILE', 'SystemRoot', 'COMSPEC', 'PATHEXT'].map((name) => [name, env[name]]));
  const result = spawn.sync(path, ['--version'], { env: clean, encoding: 'utf8', timeout: 30_000, windowsHide: true });
  if (result.status !== 0 || !/^\d+\.\d+\.\d+/.test(result.stdout ?? '')) {
    const output = ((result.error && reasonOf(result.error)) ?? result.stderr ?? '').trim().split('\n')[0];
    throw new Error(
      t('The launcher {0} does not work on this machine: {1}.', path, output || `it exited with ${result.status ?? result.signal}`),
    );
  }
}

function existing(path: string | undefined): string | undefined {
  return path !== undefined && existsSync(path) ? path : undefined;
}

/** Relay and host of guarded servers; an installation without them has guards only. */
const relayFiles = ['host.cjs', 'relay.cjs', 'relay.pl', 'relay.py'];

/** The programs and their pieces, relative to their folder. @throws when one of the programs is missing */
function programFiles(dist: string): readonly string[] {
  const programs = Object.entries(piecesOf).flatMap(([entry, pieces]) => {
    const file = join(dist, entry);
    if (!existsSync(file)) {
      throw new Error(t('{0} is missing: install MCP Shepherd again', file));
    }
    const names = existsSync(join(dist, pieces)) ? readdirSync(join(dist, pieces)).sort() : [];
    return [entry, ...names.filter((name) => name.endsWith('.cjs')).map((name) => join(pieces, name))];
  });
  return [...programs, ...relayFiles.filter((name) => existsSync(join(dist, name)))];
}

/** The folder's name, from version and content: another build of the same version has its own folder. */
function programsName(dist: string, version: string): string {
  const hash = createHash('sha256');
  for (const name of programFiles(dist)) {
    hash.update(name).update(readFileSync(join(dist, name)));
  }
  return `${version}-${hash.digest('hex').slice(0, 8)}`;
}

/** The launcher names the folder only after the copy. Programs that copy at the same time write the same files. */
function copyPrograms(dist: string, folder: string, programs: string): void {
  const target = join(folder, programs);
  // The compile cache is as private as the programs, and is deleted with them.
  mkdirSync(join(target, compileFolder), { recursive: true, mode: 0o700 });
  for (const name of programFiles(dist)) {
    const [from, to] = [join(dist, name), join(target, name)];
    mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
    if (isOwn(to) && statSync(to).size === statSync(from).size) {
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

/** Written under another name first, so that the script is complete and executable as soon as it exists. */
function writeScript(path: string, content: string): void {
  if (isOwn(path) && readText(path) === content && (process.platform === 'win32' || (statSync(path).mode & 0o700) === 0o700)) {
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

/** Whether it is a regular file that this user, or root, owns: another user may have put it there while the folder was open. */
function isOwn(file: string): boolean {
  const info = lstatSync(file, { throwIfNoEntry: false });
  const uid = ownUser();
  return info?.isFile() === true && (uid === undefined || info.uid === uid || info.uid === 0);
}

function readText(path: string): string | undefined {
  const read = readOwn(path, 65_536);
  return 'text' in read ? read.text : undefined;
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
