import { kernelProcFs, type ProcFs } from '../../../src/process/linux/procFs.ts';
import type { Launch } from './hostileClients.ts';
import type { HostileTree } from './hostileFiles.ts';
import { type Chance, hostileText } from './hostileText.ts';

/** PIDs that no real process has: the kernel's limit is 4,194,304. */
const firstPid = 5_000_000;

interface MadeProcess {
  readonly pid: number;
  readonly files: ReadonlyMap<string, string>;
}

/** Programs that are clients, by path. */
const clients: readonly (readonly string[])[] = [
  ['/home/u/.vscode-server/cli/servers/Stable-x/server/node', '/home/u/.vscode-server/out/bootstrap-fork', '--type=extensionHost'],
  ['claude'],
  ['/usr/share/code/code', '--type=utility', '--utility-sub-type=node.mojom.NodeService'],
  ['node', '/usr/lib/node_modules/@openai/codex/bin/codex.js'],
  ['/opt/Cursor/cursor'],
  ['opencode', 'serve', '--port', '1'],
];

function made(pid: number, ppid: number, command: readonly string[], environment: string, tree: HostileTree): MadeProcess {
  const { chance, project } = tree;
  // The kernel keeps names of at most 15 bytes, with any character in it.
  const name = chance.is(0.8)
    ? (command[0] ?? 'x').slice(0, 15).replace(/[\s/]/g, '')
    : hostileText(chance).slice(0, 15).replaceAll('\0', '');
  const argv = chance.is(0.95) ? `${command.join('\0')}\0` : chance.pick([command.join(' '), '', hostileText(chance), '\0\0\0']);
  const cwd = chance.is(0.8) ? project : chance.pick(['/', tree.root, `${project} (deleted)`, hostileText(chance)]);
  const exe = chance.pick([process.execPath, `${process.execPath} (deleted)`, hostileText(chance), '/usr/bin/python3']);
  const stdin = chance.pick(['pipe:[123456789]', 'socket:[123456789]', '/dev/null', hostileText(chance)]);
  return {
    pid,
    files: new Map([
      ['stat', `${pid} (${name}) S ${ppid} 1 1 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 ${100 + (pid % 1_000)} 4096000 10 0\n`],
      ['cmdline', argv],
      ['environ', environment],
      ['status', `Name:\t${name.replaceAll('\n', ' ')}\nUid:\t${chance.pick(['0', '1000'])}\t0\t0\t0\nNSpid:\t${pid}\n`],
      ['cwd', cwd],
      ['exe', exe],
      ['fd/0', stdin],
      ['fd/3', 'socket:[987654321]'],
      ['ns/mnt', chance.is(0.9) ? 'same' : 'mnt:[1]'],
      ['root', '/'],
      ['maps', `7f0000000000-7f0000001000 r-xp 00000000 08:01 1 ${hostileText(chance)} (deleted)\n`],
      ['cgroup', hostileText(chance)],
    ]),
  };
}

/** Processes of clients and of the servers that the entries name, and strangers with odd command lines. */
export function makeProcesses(tree: HostileTree, launches: readonly Launch[]): readonly MadeProcess[] {
  const { chance } = tree;
  const all: MadeProcess[] = [];
  const add = (ppid: number, command: readonly string[], environment: string): number => {
    const pid = firstPid + all.length;
    all.push(made(pid, ppid, command, environment, tree));
    return pid;
  };
  const secretly = (env: Readonly<Record<string, string>>): string =>
    [
      ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
      `NPM_TOKEN=${chance.secret()}`,
      `npm_config_proxy=http://evil.example/`,
      hostileText(chance),
    ].join('\0');
  for (const launch of launches) {
    if (chance.is(0.6)) {
      const parent = chance.is(0.8) ? add(1, chance.pick(clients), secretly({})) : 1;
      const launcher = chance.is(0.3)
        ? add(
            parent,
            chance.pick([
              ['npm', 'exec', 'notes-mcp'],
              ['sh', '-c', 'exec'],
              ['uv', 'tool', 'run'],
            ]),
            '',
          )
        : parent;
      add(launcher, [launch.command, ...launch.args], secretly(launch.env));
    }
  }
  for (const word of chance.some(4, () => hostileText(chance))) {
    add(
      chance.pick([0, 1, process.pid, firstPid, 2 ** 31, -1]),
      [chance.pick(['node', 'python3', 'npx', word]), word, '--mcp', hostileText(chance)],
      secretly({}),
    );
  }
  return all;
}

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** Answers of the real `/proc`: a sandboxed kernel needs milliseconds for some of its files, and the real processes of the run stay as they are. */
const kernelAnswers = new Map<string, { readonly value: unknown } | { readonly error: unknown }>();

function once<A extends readonly unknown[], T>(name: string, read: (...args: A) => T): (...args: A) => T {
  return (...args) => {
    const key = JSON.stringify([name, ...args]);
    let known = kernelAnswers.get(key);
    if (!known) {
      try {
        known = { value: read(...args) };
      } catch (error) {
        known = { error };
      }
      kernelAnswers.set(key, known);
    }
    if ('error' in known) {
      throw known.error;
    }
    return known.value as T;
  };
}

/** The real `/proc`, with the given processes beside a few real ones. @param real PIDs that stay visible @returns a function that undoes it */
export function showProcesses(processes: readonly MadeProcess[], real: readonly number[], chance: Chance): () => void {
  const fs: { -readonly [K in keyof ProcFs]: ProcFs[K] } = kernelProcFs;
  const whole = { ...kernelProcFs };
  const before: ProcFs = {
    names: once('names', whole.names),
    read: once('read', whole.read),
    bytes: once('bytes', whole.bytes),
    link: once('link', whole.link),
    owner: once('owner', whole.owner),
    linkMode: once('linkMode', whole.linkMode),
    node: once('node', whole.node),
    // Also asked about files of the world.
    file: whole.file,
  };
  const byPid = new Map(processes.map(({ pid, files }) => [String(pid), files]));
  const denied = new Set(processes.flatMap(({ pid }) => (chance.is(0.05) ? [String(pid)] : [])));
  const split = (
    path: string,
  ): { readonly files: ReadonlyMap<string, string>; readonly part: string; readonly pid: string } | undefined => {
    const [, pid = '', part = ''] = /^\/proc\/(\d+)\/?(.*)$/s.exec(path) ?? [];
    const files = byPid.get(pid);
    return files && { files, part, pid };
  };
  const textOf = (path: string): string | undefined => {
    const found = split(path);
    if (!found) {
      return undefined;
    }
    if (denied.has(found.pid) && !/^(stat|cmdline)$/.test(found.part)) {
      throw failure('EACCES');
    }
    const text = found.files.get(found.part);
    if (text === undefined) {
      throw failure('ENOENT');
    }
    return text;
  };
  fs.names = (path) => {
    if (path === '/proc') {
      return [...real.map(String), ...byPid.keys(), 'self', 'net'];
    }
    const found = split(path);
    return found && /^fd\/?$/.test(found.part) ? ['0', '3'] : before.names(path);
  };
  fs.read = (path, limit, comes) => {
    const text = textOf(path);
    return text === undefined ? before.read(path, limit, comes) : { text: text.slice(0, limit), cut: text.length > limit };
  };
  fs.bytes = (path, limit) => {
    const text = textOf(path);
    return text === undefined ? before.bytes(path, limit) : Buffer.from(text).subarray(0, limit);
  };
  fs.link = (path) => {
    const found = split(path);
    if (found && /^ns\/(net|pid)$/.test(found.part)) {
      return before.link(`/proc/self/${found.part}`);
    }
    const text = textOf(path);
    return text === 'same' ? before.link('/proc/self/ns/mnt') : (text ?? before.link(path));
  };
  fs.owner = (path) => (split(path) ? (process.geteuid?.() ?? 0) : before.owner(path));
  fs.linkMode = (path) => (split(path) ? 0o500 : before.linkMode(path));
  fs.node = (path) => (split(path) ? { mode: 0o010_000, device: 0 } : before.node(path));
  fs.file = (path) => (split(path) ? { device: 1, inode: 1, size: 1 } : before.file(path));
  return () => void Object.assign(kernelProcFs, whole);
}
