import { spawn } from 'node:child_process';
import { closeSync, constants, existsSync, fstatSync, lstatSync, openSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { privateFolder, stateRefusal } from '../storage/privateFolder.ts';

/** The host's files, in a folder of their own of the run folder; see `host/hostFiles.ts`, which writes them. */
const hostName = 'host';
const folderParts = ['shepherd', hostName];
/** Limit for socket paths, bytes (104 on macOS, 108 on Linux, with the final zero). */
const maxPathBytes = 100;
/** A host that another relay is starting shows itself within this time, ms. */
const startingMs = 2_000;
/** Permissions of group and others. */
const othersMode = 0o077;

/** The program that runs hosts and guards. */
export interface HostProgram {
  readonly node: string;
  /** `guard.cjs` */
  readonly file: string;
  readonly runDir: string;
}

/** @param file of the last host: an update may have removed that of the relay */
export function lastProgram(program: HostProgram, file: string | undefined): HostProgram {
  return file !== undefined && existsSync(file) ? { ...program, file } : program;
}

/**
 * The run folder, by the rule of `storage/runFolder.ts`.
 * @param options the guard's, before `--` @returns undefined when no host can be reached there
 */
export function relayRunDir(options: readonly string[], env: Readonly<NodeJS.ProcessEnv>): string | undefined {
  const at = options.findLastIndex((word) => word === '--run-dir' || word.startsWith('--run-dir='));
  const word = options[at];
  const given = word === '--run-dir' ? options[at + 1] : word?.slice('--run-dir='.length);
  const path = given ?? (env.MCP_RUN_DIR || join(userInfo().homedir, '.mcp-run'));
  const isUsable = isAbsolute(path) && Buffer.byteLength(hostSocket(path)) <= maxPathBytes && stateRefusal(path, hostName) === undefined;
  return isUsable ? path : undefined;
}

/** Where the host listens. */
export function hostSocket(runDir: string): string {
  return join(runDir, ...folderParts, 'socket');
}

/** The secret of the host that runs, when only this user can have written it. */
export function hostSecret(runDir: string): string | undefined {
  const folder = join(runDir, ...folderParts);
  let file: number | undefined;
  try {
    const info = lstatSync(folder);
    file = openSync(join(folder, 'secret'), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const secret = fstatSync(file);
    const own = secret.isFile() && [info, secret].every(({ uid, mode }) => uid === process.geteuid?.() && (mode & othersMode) === 0);
    // `stateRefusal` accepts folders that do not exist yet. The secret has been opened, so the folder exists now, and no other user can replace it after this check.
    return own && info.isDirectory() && stateRefusal(runDir, hostName) === undefined ? readFileSync(file, 'latin1').trim() : undefined;
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) {
      closeSync(file);
    }
  }
}

/** @returns undefined when no host listens */
export function connectHost(runDir: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(hostSocket(runDir));
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(undefined));
  });
}

/** Starts a host, unless another relay is starting one. It gets nothing of the client's environment but where programs and temporary files are. */
export function startHost({ node, file, runDir }: HostProgram): void {
  if (!claimStart(runDir)) {
    return;
  }
  // A shell between them ends at once, so that the host belongs to no client.
  const words = ['-c', '"$@" &', 'sh', node, file, 'host', runDir];
  const child = spawn('/bin/sh', words, { stdio: 'ignore', detached: true, cwd: '/', env: hostVariables() });
  child.on('error', () => undefined);
  child.unref();
}

/** Starts a host for this relay alone. @returns its end of the connection */
export function startOwnHost({ node, file, runDir }: HostProgram): Socket {
  const child = spawn(node, [file, 'host', runDir, 'own'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    detached: true,
    cwd: '/',
    env: hostVariables(),
  });
  child.on('error', () => undefined);
  child.unref();
  return child.stdio[3] as Socket;
}

function hostVariables(): NodeJS.ProcessEnv {
  const names = ['PATH', 'HOME', 'USER', 'TMPDIR', 'LANG'];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
}

/** Whether a relay has started a host that does not listen yet. */
export function isHostStarting(runDir: string): boolean {
  return existsSync(join(runDir, ...folderParts, 'starting'));
}

/** One of many relays that begin at once starts the host; none where another user could put one in its place. */
function claimStart(runDir: string): boolean {
  try {
    const path = join(privateFolder(runDir, hostName), 'starting');
    const before = lstatSync(path, { throwIfNoEntry: false });
    if (before && Date.now() - before.mtimeMs > startingMs) {
      rmSync(path, { force: true });
    }
    closeSync(openSync(path, 'wx', 0o600));
    return true;
  } catch {
    return false;
  }
}

/** Mount, PID and user namespace of this process; empty where there is no /proc. */
export function ownNamespaces(): string {
  try {
    return ['mnt', 'pid', 'user'].map((name) => readlinkSync(`/proc/self/ns/${name}`)).join(' ');
  } catch {
    return '';
  }
}
