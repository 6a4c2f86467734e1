import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { otherUser } from '../../otherUser.ts';
import { type Chance, hostileBytes } from './hostileText.ts';

/** A FIFO and a socket, made once: each world links them, because making them takes a process or an event. */
export interface SpecialFiles {
  readonly folder: string;
  readonly fifo: string;
  readonly socket: string;
  close(): void;
}

export async function makeSpecialFiles(): Promise<SpecialFiles> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'hostile-')));
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const socket = join(folder, 'socket');
  const server: Server = createServer((connection) => {
    connection.on('error', () => undefined);
    connection.end('{"hello":"\x1b[31m"}\n');
  });
  server.unref();
  await new Promise<void>((listening) => server.listen(socket, listening));
  return {
    folder,
    fifo,
    socket,
    close() {
      server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The folders of one world, and how files get into them. */
export class HostileTree {
  readonly root: string;
  readonly home: string;
  readonly project: string;
  readonly runDir: string;
  readonly chance: Chance;
  readonly #special: SpecialFiles;

  constructor(chance: Chance, special: SpecialFiles) {
    this.chance = chance;
    this.#special = special;
    this.root = mkdtempSync(join(special.folder, `${chance.seed}-`));
    this.home = join(this.root, 'home');
    this.project = join(this.home, 'work', 'project');
    this.runDir = join(this.root, 'run');
    mkdirSync(this.project, { recursive: true });
  }

  /** Writes a file, or puts something else where the file is expected. Where that is not possible, because a file stands where a folder should be, nothing is written. */
  put(path: string, text: string, mode = 0o600): void {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      if (existsSync(path)) {
        return;
      }
      if (this.chance.is(0.93)) {
        writeFileSync(path, hostileBytes(this.chance, text), { mode });
        if (this.chance.is(0.02)) {
          this.#otherRights(path);
        }
      } else {
        this.#odd(path, text);
      }
    } catch {
      // A name that is too long, or a file in the way: the world has one file less.
    }
  }

  /** The same as it is: for files that others depend on. */
  plain(path: string, text: string | Buffer, mode = 0o600): void {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      writeFileSync(path, text, { mode });
    } catch {
      // As above.
    }
  }

  #odd(path: string, text: string): void {
    const { chance } = this;
    const { fifo, socket } = this.#special;
    chance.pick<() => void>([
      () => linkSync(fifo, path),
      () => linkSync(socket, path),
      () => mkdirSync(path),
      () => symlinkSync(join(this.root, 'nowhere'), path),
      () => symlinkSync(path, path),
      () => symlinkSync(chance.pick(['/dev/zero', '/dev/null', '/proc/self/mem', '/proc/self/environ', '/proc/kmsg', '/', fifo]), path),
      () => symlinkSync(this.#victim(), path),
      () => {
        writeFileSync(path, text.slice(0, 100));
        truncateSync(path, 1024 ** 3);
      },
      () => {
        writeFileSync(path, text);
        this.#otherRights(path);
      },
    ])();
  }

  /** A file of the user that a link may lead to. */
  #victim(): string {
    const path = join(this.home, '.profile');
    if (!existsSync(path)) {
      writeFileSync(path, `export SECRET=${this.chance.secret()}\n`);
    }
    return path;
  }

  #otherRights(path: string): void {
    if (this.chance.is(0.5) && process.getuid?.() === 0) {
      chownSync(path, otherUser.uid, otherUser.gid);
    } else {
      chmodSync(path, this.chance.pick([0o000, 0o666, 0o4777, 0o222]));
    }
  }

  /** Makes a folder of the run folder one that others may write, or a link. */
  openFolder(path: string): void {
    try {
      if (this.chance.is(0.5)) {
        mkdirSync(path, { recursive: true });
        chmodSync(path, 0o777);
      } else {
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        symlinkSync(this.chance.pick([this.home, '/', join(this.root, 'nowhere')]), path);
      }
    } catch {
      // It exists.
    }
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
