import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { FrameReader, frameBytes, hostProtocol } from '../relay/contract.ts';
import { readOwn } from '../storage/atomicFile.ts';

/** A host answers its successor within this time, ms. */
const answerMs = 5_000;
/** One that did not take over is not started again within this time, ms. */
const pauseMs = 60_000;
/** Names of folders, as `action/protect/launcher.ts` writes them. */
const folderName = /^[\w.+-]+$/;

/** Looks for another version of the product, which the launcher starts now, and starts its host. */
export class Succession {
  readonly #runDir: string;
  readonly #own: string;
  #tried: { readonly file: string; readonly at: number } | undefined;

  /** @param own the program that this host runs */
  constructor(runDir: string, own: string) {
    this.#runDir = runDir;
    this.#own = own;
  }

  /** The successor asks for the sessions when it has loaded its code. A host that was not started by a launcher has none. */
  check(): void {
    const file = this.#installed();
    const now = performance.now();
    const isTried = this.#tried?.file === file && now - (this.#tried?.at ?? 0) < pauseMs;
    if (file === undefined || file === this.#own || isTried) {
      return;
    }
    this.#tried = { file, at: now };
    const child = spawn(process.execPath, [file, 'host', this.#runDir, 'heir'], { stdio: 'ignore', detached: true, cwd: '/' });
    child.on('error', () => undefined);
    child.unref();
  }

  /** The guard that the launcher starts. It is not taken from a relay: that may run in a sandbox, and the host does not. */
  #installed(): string | undefined {
    const bin = join(this.#runDir, 'shepherd', 'bin');
    if (dirname(dirname(this.#own)) !== bin) {
      return undefined;
    }
    const read = readOwn(join(bin, 'launcher.json'), 65_536);
    const folder = 'text' in read ? programsOf(read.text) : undefined;
    const isThere = folder !== undefined && ['guard.cjs', 'host.cjs'].every((name) => existsSync(join(bin, folder, name)));
    return isThere ? join(bin, folder, 'guard.cjs') : undefined;
  }
}

function programsOf(text: string): string | undefined {
  try {
    const { programs } = JSON.parse(text);
    return typeof programs === 'string' && folderName.test(programs) ? programs : undefined;
  } catch {
    return undefined;
  }
}

/** Asks the host that runs for its sessions. @param secret of that host @returns whether this process is to be the host */
export function askForSessions(socketPath: string, secret: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    const reader = new FrameReader();
    const timer = setTimeout(() => socket.destroy(), answerMs);
    socket.once('connect', () => socket.write(Buffer.concat(frameBytes('heir', `${hostProtocol}`, Buffer.from(secret)))));
    socket.on('data', (chunk: Buffer) => {
      if (reader.push(chunk).some(({ kind }) => kind === 'yours')) {
        resolve(true);
      }
    });
    socket.on('error', () => undefined);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve(false);
    });
  });
}
