// Everything that reads, over inputs that a hostile workspace, environment, run folder and process table may hold, made from a seed.
// FUZZ_SEED=N replays one seed; FUZZ_COUNT=N runs another number of them, FUZZ_FIRST=N from another first one.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { tooltipCommands } from '../../../src/extension/display/statusModel.ts';
import type { ProcessRow } from '../../../src/model/process.ts';
import { ProcTable } from '../../../src/process/linux/procTable.ts';
import { isPublicIndex } from '../../../src/registry/publicIndexes.ts';
import { canaryMark } from '../../unit/redaction/secretGenerator.ts';
import { until } from '../../until.ts';
import { type Boundaries, isExpectedProgram, watchBoundaries } from './boundaries.ts';
import { holdsCanary, putClientFiles } from './hostileClients.ts';
import { putEnvironment, userHosts } from './hostileEnvironment.ts';
import { HostileTree, makeSpecialFiles, type SpecialFiles } from './hostileFiles.ts';
import { makeProcesses, showProcesses } from './hostileProcesses.ts';
import { putRunFolder } from './hostileRunFolder.ts';
import { Chance } from './hostileText.ts';
import { readEverything, type Shown, Stuck } from './readPaths.ts';

const one = process.env.FUZZ_SEED;
const first = Number(one ?? process.env.FUZZ_FIRST ?? 0);
const count = one === undefined ? Number(process.env.FUZZ_COUNT ?? (process.env.TEST_LONG === '1' ? 20_000 : 500)) : 1;
/** Whether each world is read in every way: in the long run, and where one is replayed. */
const all = one !== undefined || process.env.TEST_LONG === '1';
/** For one world without a pause, ms: then no timer runs, and the watchdog ends this process. */
const limitMs = 20_000;

const regularFile = 0o100_000;

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
    canaries = Array.from({ length: 2 }, () => spawn('sleep', ['86400'], { stdio: 'ignore', detached: true }));
    await until('the canaries run', () => canaries.every(({ pid }) => pid !== undefined));
    const visible = new Set([process.pid, process.ppid, 1, sink.pid, ...canaries.map(({ pid }) => pid)]);
    rows = (await new ProcTable().list()).filter(({ pid }) => visible.has(pid));
    watchdog = new Worker(new URL('./watchdog.mjs', import.meta.url), { workerData: { shared: current, limitMs } });
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

  /** One world: made, read, judged, removed. @returns what is wrong */
  async function faultsWith(seed: number): Promise<string[]> {
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
      const ended = await readEverything({ tree, rows, claimed, names, pids: processes.map(({ pid }) => pid), env, shown }, all).then(
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
      return faults;
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

  it(`${count} worlds: nothing crashes, hangs, leaks, signals, connects elsewhere, or writes outside of the run folder`, async () => {
    const found: string[] = [];
    const times: number[] = [];
    for (let seed = first; seed < first + count && found.length < 20 && !stuck; seed += 1) {
      Atomics.store(current, 0, seed);
      const began = performance.now();
      const faults = await faultsWith(seed);
      times.push(performance.now() - began);
      found.push(...[...new Set(faults)].slice(0, 5).map((fault) => `FUZZ_SEED=${seed}: ${fault}`));
    }
    Atomics.store(current, 0, -1);
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
