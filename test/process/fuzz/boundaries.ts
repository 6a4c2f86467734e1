import childProcess, { type ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { Socket } from 'node:net';
import { isAbsolute, resolve } from 'node:path';

/** What the product did to the world, as seen at the functions of Node that reach it. */
export interface Deeds {
  /** `SIGTERM 4711`. None is delivered. */
  readonly signals: string[];
  /** `host:port`, or the path of a socket. TCP connections go to the sink. */
  readonly connections: string[];
  /** Programs with their arguments. */
  readonly programs: string[][];
  /** Paths that were written, made, renamed or removed. */
  readonly writes: string[];
  /** Errors that nothing handles. */
  readonly unhandled: unknown[];
}

export interface Boundaries extends Deeds {
  /** Forgets all deeds. */
  clear(): void;
  restore(): void;
}

/** Functions that write, and which of their arguments are paths. */
const writers: Readonly<Record<string, readonly number[]>> = {
  writeFile: [0],
  appendFile: [0],
  mkdir: [0],
  mkdtemp: [0],
  rename: [0, 1],
  rm: [0],
  rmdir: [0],
  unlink: [0],
  symlink: [1],
  link: [1],
  chmod: [0],
  chown: [0],
  utimes: [0],
  truncate: [0],
  copyFile: [1],
};

type AnyFunction = (...args: never[]) => unknown;

/** Replaces a function until `undo`. */
function replace(holder: object, name: string, around: (original: AnyFunction) => AnyFunction, undo: (() => void)[]): void {
  const original: unknown = Reflect.get(holder, name);
  if (typeof original === 'function') {
    Reflect.set(holder, name, around(original as AnyFunction));
    undo.push(() => Reflect.set(holder, name, original));
  }
}

/** Where a socket is to be connected; its arguments come as Node's own callers and users pass them. */
function targetOf(args: readonly unknown[]): { host?: string; port?: number; path?: string } {
  const [first] = args;
  const options: unknown = Array.isArray(first) ? first[0] : first;
  if (typeof options === 'object' && options !== null) {
    return options;
  }
  return typeof options === 'number'
    ? { port: options, ...(typeof args[1] === 'string' ? { host: args[1] } : {}) }
    : { path: String(options) };
}

/** @param sink port of the server that gets every TCP connection */
export function watchBoundaries(sink: number): Boundaries {
  const deeds: Deeds = { signals: [], connections: [], programs: [], writes: [], unhandled: [] };
  const undo: (() => void)[] = [];
  const noted = (path: unknown): void => {
    if (typeof path === 'string' || path instanceof URL || Buffer.isBuffer(path)) {
      deeds.writes.push(resolve(path instanceof URL ? path.pathname : path.toString()));
    }
  };
  const around =
    (note: (args: readonly unknown[]) => void) =>
    (original: AnyFunction): AnyFunction =>
      function (this: unknown, ...args: unknown[]) {
        note(args);
        return Reflect.apply(original, this, args);
      };
  for (const [name, places] of Object.entries(writers)) {
    const note = (args: readonly unknown[]): void => {
      for (const place of places) {
        noted(args[place]);
      }
    };
    for (const [holder, key] of [
      [fs, name],
      [fs, `${name}Sync`],
      [fs.promises, name],
    ] as const) {
      replace(holder, key, around(note), undo);
    }
  }
  const opened = (args: readonly unknown[]): void => {
    const [path, flags = 'r'] = args;
    const writes =
      typeof flags === 'number'
        ? (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR | fs.constants.O_CREAT)) !== 0
        : /[wa+]/.test(String(flags));
    if (writes) {
      noted(path);
    }
  };
  for (const [holder, key] of [
    [fs, 'open'],
    [fs, 'openSync'],
    [fs.promises, 'open'],
  ] as const) {
    replace(holder, key, around(opened), undo);
  }
  replace(
    fs,
    'createWriteStream',
    around(([path]) => noted(path)),
    undo,
  );
  const started = (args: readonly unknown[]): ChildProcess => {
    const words = [String(args[0]), ...(Array.isArray(args[1]) ? args[1].map(String) : [])];
    deeds.programs.push(words);
    // None is run: flock gets its lock, git answers "not ignored", every other program fails.
    const code = words[0]?.endsWith('/flock') ? 0 : 1;
    const child = Object.assign(new EventEmitter(), {
      pid: undefined,
      kill: () => false,
      unref: () => undefined,
      stdin: null,
      stdout: null,
      stderr: null,
    });
    const done = args.at(-1);
    setImmediate(() => {
      child.emit('exit', code, null);
      if (typeof done === 'function') {
        done(code === 0 ? null : Object.assign(new Error('failed'), { code }), '', '');
      }
    });
    return child as unknown as ChildProcess;
  };
  for (const name of ['spawn', 'execFile', 'exec', 'fork']) {
    replace(
      childProcess,
      name,
      () =>
        (...args: unknown[]) =>
          started(args),
      undo,
    );
  }
  for (const name of ['spawnSync', 'execFileSync', 'execSync']) {
    replace(
      childProcess,
      name,
      () =>
        (...args: unknown[]) => {
          started(args);
          return { status: 1, stdout: '', stderr: '', pid: 0, output: [], signal: null };
        },
      undo,
    );
  }
  replace(
    process,
    'kill',
    (original) =>
      (...args: unknown[]) => {
        if (args[1] === 0) {
          return Reflect.apply(original, process, args);
        }
        deeds.signals.push(`${String(args[1])} ${String(args[0])}`);
        return true;
      },
    undo,
  );
  replace(
    Socket.prototype,
    'connect',
    (original) =>
      function (this: unknown, ...args: unknown[]) {
        const target = targetOf(args);
        if (target.path === undefined || target.path === null) {
          deeds.connections.push(`${target.host ?? 'localhost'}:${target.port}`);
          Object.assign(target, { host: '127.0.0.1', port: sink });
        } else {
          deeds.connections.push(target.path);
        }
        return Reflect.apply(original, this, Array.isArray(args[0]) ? args : [target, ...args.filter((one) => typeof one === 'function')]);
      },
    undo,
  );
  syncBuiltinESMExports();
  const unhandled = (error: unknown): void => void deeds.unhandled.push(error);
  const events = ['unhandledRejection', 'uncaughtException'] as const;
  const listeners = events.map((event) => ({ event, before: process.listeners(event as 'exit') }));
  for (const event of events) {
    process.removeAllListeners(event);
    process.on(event, unhandled);
  }
  return {
    ...deeds,
    clear() {
      for (const list of Object.values(deeds)) {
        list.length = 0;
      }
    },
    restore() {
      for (const one of undo.reverse()) {
        one();
      }
      syncBuiltinESMExports();
      for (const { event, before } of listeners) {
        process.removeListener(event, unhandled);
        for (const one of before) {
          process.on(event, one);
        }
      }
    },
  };
}

/** Programs that reading may start: each is one of the system, by its absolute path. */
export function isExpectedProgram([program = '', ...args]: readonly string[], root: string): boolean {
  const name = program.slice(program.lastIndexOf('/') + 1);
  return (
    isAbsolute(program) &&
    !program.startsWith(root) &&
    ((name === 'git' &&
      args.includes('core.fsmonitor=false') &&
      args.includes('core.hooksPath=/dev/null') &&
      args.includes('check-ignore')) ||
      (name === 'flock' && args.every((word) => /^(-x|-n|-u|3)$/.test(word))) ||
      name === 'docker')
  );
}
