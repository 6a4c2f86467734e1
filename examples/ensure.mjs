// Makes sure that one HTTP server runs on a port of this machine, in the right version. Node 20 without packages; Linux with flock(1).
//
//   import { ensureServer } from './ensure.mjs';
//   const result = await ensureServer('notes', 8700, '1.4.0', ['node', 'server.js', '--port', '{port}'], { shutdown: true });
//   result.server_status // reused, started, replaced; newer, older, unknown, foreign: not touched; failed: message, log, log_tail
//
// The server answers GET /health with { status, version, pid } and, if possible, `name`: only the name distinguishes another server that has a version.
// Only a server that listens itself and reports an older version is replaced; a newer one, one without a version, and another program are never ended.
// Concurrent callers start the server once; `mcp-shepherd ensure` and ensure.py take the same lock.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const healthMs = 3_000;
const leaveMs = 10_000;

/** @param options shutdown: true, or the token that POST /shutdown requires; passive: replace nothing; timeout in seconds */
export async function ensureServer(name, port, version, command, options = {}) {
  const { shutdown = false, passive = false, timeout = 30 } = options;
  const base = { name, port, wanted: version };
  let seen = await look(base, passive);
  if (!['free', 'replace'].includes(seen.server_status)) {
    return seen;
  }
  const lock = await onlyOne(port, timeout * 1_000 + 2 * leaveMs);
  if (lock === undefined) {
    return answer('failed', base, { message: 'another program starts or replaces this server and does not finish' });
  }
  try {
    // Under the lock: another program may have acted.
    seen = await look(base, passive);
    if (!['free', 'replace'].includes(seen.server_status)) {
      return seen;
    }
    const old = seen.server_status === 'replace' ? seen : undefined;
    if (old && !(await stop(old.pid, port, shutdown))) {
      return answer('failed', base, { pid: old.pid, message: `PID ${old.pid} could not be ended` });
    }
    const words = command.map((word) => word.replaceAll('{port}', String(port)));
    return await start(base, words, old, timeout, options);
  } finally {
    fs.closeSync(lock);
  }
}

async function look(base, passive) {
  const { name, port, wanted } = base;
  const pids = listeners(port);
  if (pids.length === 0) {
    return answer('free', base);
  }
  const health = await askHealth(port);
  if (!pids.includes(health.pid) || (health.name ?? name) !== name) {
    const who = pids[0] === null ? 'a process that cannot be seen' : `PID ${pids[0]}`;
    const message = `port ${port} is held by ${who}, which is not ${name} as far as can be told; left alone`;
    return answer('foreign', base, { pid: pids[0], message });
  }
  const { pid, version } = health;
  const known = { pid, version: typeof version === 'string' ? version : null };
  const where = `${name} runs as PID ${pid} on port ${port}, version ${version}`;
  switch (compare(version, wanted)) {
    case 0:
      return answer('reused', base, { ...known, message: `${where}: reused` });
    case 1:
      return answer('newer', base, { ...known, message: `${where}, which is newer than ${wanted}; left alone` });
    case -1:
      return answer(passive ? 'older' : 'replace', base, { ...known, message: `${where}, which is older than ${wanted}; left alone` });
    default:
      return answer('unknown', base, { ...known, message: `${where}; whether that is older than ${wanted} cannot be told; left alone` });
  }
}

async function start(base, [command = '', ...args], old, timeout, { cwd, env }) {
  const { name, port, wanted } = base;
  const log = join(privateFolder('shepherd', 'logs'), `ensure-${name.replace(/[^\w.-]/g, '_').slice(0, 80)}-${port}.log`);
  const output = fs.openSync(log, 'w', 0o600);
  const child = spawn(command, args, {
    detached: true,
    stdio: ['ignore', output, output],
    cwd,
    env: { ...process.env, PORT: String(port), ...env },
  });
  fs.closeSync(output);
  let ended;
  child.once('error', (error) => {
    ended = `could not be started: ${error.message}`;
  });
  child.once('exit', (code, signal) => {
    ended ??= code === 0 ? undefined : `ended with ${signal ?? code} before it listened`;
  });
  child.unref();
  const until = performance.now() + timeout * 1_000;
  let reason = `did not answer on port ${port} within ${timeout} s, and was ended again`;
  while (performance.now() < until) {
    await pause(100);
    if (ended !== undefined) {
      reason = ended;
      break;
    }
    const health = listeners(port).length > 0 ? await askHealth(port) : {};
    if (health.pid === undefined || !listeners(port).includes(health.pid)) {
      continue;
    }
    const { pid, version } = health;
    if (version !== wanted) {
      const message = `${name} was started and runs ${version} instead of ${wanted}: the command starts another version`;
      return answer('failed', base, { pid, version, message, log, log_tail: tail(log) });
    }
    const said = old ? `${name} ${old.version} was replaced by version ${version}` : `${name} was started, version ${version}`;
    const previous = old ? { previous: { pid: old.pid, version: old.version } } : {};
    return answer(old ? 'replaced' : 'started', base, { pid, version, message: `${said}: PID ${pid} on port ${port}`, ...previous });
  }
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    // Ends what it started: its own session is its own group.
    signal(-child.pid, 'SIGKILL');
  }
  // A caller that was killed may have started the server that listens only now.
  const other = await look(base, true);
  if (other.server_status === 'reused') {
    return other;
  }
  return answer('failed', base, { message: `${name} ${reason}`, log, log_tail: tail(log) });
}

/** Ends exactly this process: by /shutdown if the caller allows it, otherwise or after a limit by signals. Then waits until the port is free. */
async function stop(pid, port, shutdown) {
  const born = started(pid);
  const gone = () => started(pid) !== born;
  if (shutdown) {
    const headers = shutdown === true ? {} : { authorization: `Bearer ${shutdown}` };
    const asked = { method: 'POST', headers, redirect: 'error', signal: AbortSignal.timeout(2_000) };
    const accepted = await fetch(`http://127.0.0.1:${port}/shutdown`, asked).then(
      (response) => response.ok,
      () => false,
    );
    if (accepted) {
      await waitFor(gone, leaveMs);
    }
  }
  for (const name of ['SIGTERM', 'SIGKILL']) {
    if (born === undefined || gone()) {
      break;
    }
    signal(pid, name);
    await waitFor(gone, leaveMs);
  }
  return (born === undefined || gone()) && (await waitFor(() => listeners(port).length === 0, leaveMs));
}

/** The JSON object that GET /health returns within 3 seconds; an empty object for any other answer or none. */
async function askHealth(port) {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/health`, { redirect: 'error', signal: AbortSignal.timeout(healthMs) });
    const value = await response.json();
    return response.ok && typeof value?.status === 'string' ? value : {};
  } catch {
    return {};
  }
}

/** PIDs that hold the port; [] = none, [null] = a process of another user. */
function listeners(port) {
  const inodes = new Set();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6'].filter((path) => fs.existsSync(path))) {
    for (const line of fs.readFileSync(table, 'utf8').split('\n')) {
      const fields = line.trim().split(/\s+/);
      if (fields[3] === '0A' && Number.parseInt(fields[1].split(':').at(-1), 16) === port) {
        inodes.add(`socket:[${fields[9]}]`);
      }
    }
  }
  const pids = inodes.size === 0 ? [] : fs.readdirSync('/proc').filter((entry) => /^\d+$/.test(entry) && holds(entry, inodes));
  return pids.length > 0 ? pids.map(Number) : inodes.size > 0 ? [null] : [];
}

function holds(pid, inodes) {
  try {
    return fs.readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        return inodes.has(fs.readlinkSync(`/proc/${pid}/fd/${fd}`));
      } catch {
        return false;
      }
    });
  } catch {
    return false;
  }
}

/** Start time of a process; undefined when it has ended or is a zombie. */
function started(pid) {
  try {
    const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(')').at(-1).trim().split(' ');
    return 'ZX'.includes(fields[0]) ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended, or may not be signalled.
  }
}

/** -1, 0, 1; undefined when the two cannot be compared, because one is not a version. */
function compare(runs, wanted) {
  const parts = [runs, wanted].map((text) =>
    typeof text === 'string' ? /^v?(\d+(?:\.\d+)*)$/.exec(text)?.[1]?.split('.').map(Number) : undefined,
  );
  if (!parts[0] || !parts[1]) {
    return undefined;
  }
  const [left, right] = parts;
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) {
      return Math.sign(difference);
    }
  }
  return 0;
}

/** The lock for starting a server on this port; undefined when another program does not release it. The kernel frees it when this process ends. */
async function onlyOne(port, ms) {
  const target = createHash('sha256').update(`shepherd\nensure\n${port}`).digest('hex').slice(0, 32);
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = fs.constants;
  const lock = fs.openSync(join(privateFolder('v1', 'intents'), `${target}.lock`), O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
  // flock(2) belongs to the open file: the helper locks it and ends, this process keeps it.
  const take = () => spawnSync('flock', ['-x', '-n', '3'], { stdio: ['ignore', 'ignore', 'ignore', lock], timeout: 2_000 }).status === 0;
  if (await waitFor(take, ms)) {
    return lock;
  }
  fs.closeSync(lock);
  return undefined;
}

function privateFolder(...parts) {
  const { homedir, uid } = userInfo();
  const folder = join(process.env.MCP_RUN_DIR || join(homedir, '.mcp-run'), ...parts);
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const info = fs.lstatSync(folder);
  if (!info.isDirectory() || info.uid !== uid || (info.mode & 0o077) !== 0) {
    throw new Error(`${folder} must be a directory of this user alone (mode 700)`);
  }
  return folder;
}

async function waitFor(holdsNow, ms) {
  const until = performance.now() + ms;
  while (!holdsNow()) {
    if (performance.now() > until) {
      return false;
    }
    await pause(50);
  }
  return true;
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function tail(log) {
  return fs.readFileSync(log, 'utf8').slice(-4_096).trimEnd().split('\n').slice(-20);
}

function answer(status, { name, port, wanted }, { pid = null, version = null, message = '', ...more } = {}) {
  return { server_status: status, name, port, pid, version, wanted, message, ...more };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const words = process.argv.slice(2);
  const at = words.indexOf('--');
  const own = at < 0 ? words : words.slice(0, at);
  const [name = '', port, version = ''] = own.filter((word) => !word.startsWith('--'));
  const timeout = Number(own.find((word) => word.startsWith('--timeout='))?.slice('--timeout='.length) ?? 30) || 30;
  const options = { shutdown: own.includes('--shutdown'), passive: own.includes('--passive'), timeout };
  const result = await ensureServer(name, Number(port), version, at < 0 ? [] : words.slice(at + 1), options);
  console.log(JSON.stringify(result));
  process.exitCode = { reused: 0, started: 0, replaced: 0, foreign: 2, failed: 2 }[result.server_status] ?? 3;
}
