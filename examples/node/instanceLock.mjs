// Instance Lock Protocol 1 with Node without packages, on Linux and macOS: `const lock = hold('path', '/data', 'memory')` holds the lock until the process ends.
// Throws with `code: 'EHELD'` when another process holds it; the program should then exit with 75.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { userInfo } from 'node:os';
import { basename, dirname, isAbsolute, join } from 'node:path';

const { O_RDWR, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = fs.constants;
const mac = process.platform === 'darwin';
const remote = [0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x01021997, 0x65735546, 0x00c36400, 0x0bd00bd0, 0x47504653, 0x5346414f, 0x73757245];

/** @param kind path, port ("tcp:8931") or name @param facts package, deps, client … as in the record's schema */
export function hold(kind, resource, server, facts = {}) {
  const folder = openFolder();
  const name = kind === 'path' ? realPath(resource) : resource;
  const folded = mac ? name.normalize('NFC').replace(/[A-Z]/g, (letter) => letter.toLowerCase()) : name;
  const key = createHash('sha256').update(`ilp1\n${kind}\n${folded}`).digest('hex').slice(0, 32);
  const path = join(folder, 'locks', `${key}.lock`);
  const until = performance.now() + 300;
  let lock = tryLock(path);
  while (lock === undefined && performance.now() < until) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20 + Math.random() * 40);
    lock = tryLock(path);
  }
  // Also with the lock held: a server may have outlived its guard.
  const rivals = living(folder, key);
  if (lock === undefined || rivals.length > 0) {
    throw Object.assign(new Error(`${name} is held by ${rivals.join(' and ') || 'a process without a record'}`), { code: 'EHELD' });
  }
  const disk = kind === 'path' && fs.existsSync(name) ? fs.statSync(name, { bigint: true }) : undefined;
  const record = {
    ilp: 1,
    minReader: 1,
    id: randomBytes(16).toString('hex'),
    seq: 1,
    state: 'running',
    host: host(),
    server: { pid: process.pid, start: startOf(process.pid) },
    serverId: server,
    locks: [{ key, kind, resource: folded, ...(disk ? { dev: String(disk.dev), ino: String(disk.ino) } : {}) }],
    exclusion: 'flock',
    ...facts,
  };
  const file = join(folder, 'instances', `${record.id}.json`);
  fs.writeFileSync(`${file}.tmp`, JSON.stringify(record), { mode: 0o600, flag: 'wx' });
  fs.renameSync(`${file}.tmp`, file);
  process.once('exit', () => fs.rmSync(file, { force: true }));
  return { fd: lock, record };
}

/** The open file, or undefined when it is held. flock(2) belongs to the open file: the helper locks it and ends, this process keeps it. */
function tryLock(path) {
  let fd;
  try {
    // 0x20: O_EXLOCK of macOS, which opens and locks in one step.
    fd = fs.openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | (mac ? 0x20 : 0), 0o600);
  } catch (error) {
    if (mac && error.code === 'EAGAIN') {
      return undefined;
    }
    throw error;
  }
  const answer = mac
    ? { status: 0 }
    : spawnSync('/usr/bin/flock', ['-x', '-n', '3'], { stdio: ['ignore', 'ignore', 'ignore', fd], timeout: 2_000 });
  const named = fs.existsSync(path) ? fs.lstatSync(path, { bigint: true }) : undefined;
  if (answer.status === 0 && fs.fstatSync(fd).isFile() && fs.fstatSync(fd, { bigint: true }).ino === named?.ino) {
    return fd;
  }
  fs.closeSync(fd);
  if (answer.status !== 0 && answer.status !== 1) {
    throw new Error(`Whether ${path} is free is not known: flock(1) did not answer`);
  }
  return undefined;
}

function openFolder() {
  const { homedir, uid } = userInfo();
  const far = process.platform === 'linux' && remote.includes(fs.statfsSync(homedir).type >>> 0);
  const run = process.env.MCP_RUN_DIR || (far ? `/var/tmp/.mcp-run-${uid}` : join(homedir, '.mcp-run'));
  if (!isAbsolute(run)) {
    // Programs in different folders would each use a lock of their own.
    throw new Error(`MCP_RUN_DIR is no absolute path: ${run}`);
  }
  const folders = [run, join(run, 'v1'), join(run, 'v1', 'locks'), join(run, 'v1', 'instances')];
  for (const folder of folders) {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const info = fs.lstatSync(folder);
    if (!info.isDirectory() || info.uid !== uid || (info.mode & 0o077) !== 0) {
      throw new Error(`${folder} must be a directory of this user alone (mode 700)`);
    }
  }
  return folders[1];
}

/** The real path of the longest existing ancestor, and the rest as written. */
function realPath(path) {
  const rest = [];
  const whole = path.startsWith('/') ? path : `${process.cwd()}/${path}`;
  for (let head = whole; ; head = dirname(head)) {
    try {
      return join(fs.realpathSync.native(head), ...rest);
    } catch {
      rest.unshift(basename(head));
    }
  }
}

function host() {
  if (mac) {
    return {
      boot: execFileSync('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'utf8' }).trim().toLowerCase(),
      pidns: '-',
    };
  }
  const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return { boot, pidns: fs.readlinkSync('/proc/self/ns/pid').replace(/\D/g, '') };
}

/** Start time of a process, as the protocol writes it; undefined when it does not run. */
function startOf(pid) {
  try {
    if (mac) {
      const text = execFileSync('/bin/ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', env: { LC_ALL: 'C' } });
      return `ps:${Date.parse(text) / 1_000}`;
    }
    // The program's name before the last bracket may contain anything; zombies are dead.
    const [state, ...fields] = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').pop().split(' ');
    return /[ZX]/.test(state) ? undefined : `lx:${fields[18]}`;
  } catch {
    return undefined;
  }
}

/** Running servers whose record names this key. */
function living(folder, key) {
  const here = JSON.stringify(host());
  return fs.readdirSync(join(folder, 'instances')).flatMap((name) => {
    try {
      const record = /^[0-9a-f]{32}\.json$/.test(name) ? JSON.parse(readSmall(join(folder, 'instances', name))) : {};
      const { server, locks = [], host: where = {} } = record;
      const same = JSON.stringify({ boot: where.boot, pidns: where.pidns }) === here && locks.some((lock) => lock.key === key);
      return same && typeof server?.start === 'string' && startOf(Number(server.pid)) === server.start
        ? [`PID ${Number(server.pid)} (${quoted(record.serverId)})`]
        : [];
    } catch {
      return []; // unreadable, or removed
    }
  });
}

/** Text of others: short, without characters that a terminal or a model could take for more than a name. */
function quoted(text) {
  const escaped = (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(String(text).slice(0, 64)).replace(/[^ -~]/g, escaped);
}

/** Does not follow a link, does not block on a FIFO, and reads at most the size of a record. */
function readSmall(path) {
  const fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const bytes = Buffer.alloc(65_536);
    return bytes.toString('utf8', 0, fs.readSync(fd, bytes));
  } finally {
    fs.closeSync(fd);
  }
}
