// Whole scans over processes made by hand, as clients with threads, sessions and subagents make them; the clock is moved, nothing runs.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { silentLog } from '../../../src/base/log.ts';
import { isHeadline } from '../../../src/model/finding.ts';
import type { ProcessRow } from '../../../src/model/process.ts';
import type { Snapshot } from '../../../src/model/snapshot.ts';
import { unidentifiedRow } from '../../../src/process/commandline/parseLaunch.ts';
import { createSurveyor } from '../../../src/survey/machineSurveyor.ts';
import type { Surveyor } from '../../../src/survey/surveyor.ts';
import { tableOf } from '../../everySnapshot.ts';
import { assertNames } from '../../names.ts';
import { detailOf, TempTree } from '../package/tree.ts';

const second = 1_000;
const minute = 60_000;
const node = '/usr/bin/node';
const codex = 10;
const claude = 11;
const opencode = 12;
const zed = 13;

describe('living clients, by whole scans', () => {
  let tree = new TempTree();
  tree.remove();
  let surveyor: Surveyor;
  let rows: ProcessRow[] = [];
  let began = 0;
  let passed = 0;
  let slept = 0;
  /** Of servers that were started in a directory of their own. */
  const directories = new Map<number, string>();
  beforeEach(async () => {
    tree = new TempTree();
    directories.clear();
    [rows, passed, slept, began] = [[], 0, 0, Date.now() + minute];
    const args = (name: string): string[] => [tree.path(`${name}-mcp.js`)];
    tree.write({
      'notes-mcp.js': '',
      'files-mcp.js': '',
      'home/.claude.json': { mcpServers: { notes: { command: node, args: args('notes') }, files: { command: node, args: args('files') } } },
      'home/.codex/config.toml': ['notes', 'files']
        .map((name) => `[mcp_servers.${name}]\ncommand = "${node}"\nargs = ${JSON.stringify(args(name))}\n`)
        .join(''),
    });
    add(codex, 1, ['codex', 'app-server']);
    add(claude, 1, ['claude']);
    add(opencode, 1, ['opencode', 'serve']);
    add(zed, 1, ['/usr/libexec/zed-editor']);
    surveyor = await createSurveyor({
      home: tree.path('home'),
      platform: 'linux',
      env: { HOME: tree.path('home') },
      runDir: tree.path('run'),
      folders: [],
      vscodeUserDirs: [],
      log: silentLog,
      table: {
        ...tableOf([], async ({ pid }) => detailOf({ cwd: directories.get(pid) ?? tree.root, exe: node })),
        list: async () => [...rows],
      },
      clock: { now: () => began + passed + slept, uptime: () => 600 * minute + passed + slept, awake: () => 600 * minute + passed },
    });
  });
  afterEach(() => {
    surveyor.dispose();
    tree.remove();
  });

  function add(pid: number, ppid: number, argv: readonly string[]): void {
    const identity = { bootId: 'boot-1', pidNamespace: '4026531836', pid, start: `lx:${pid}000` };
    const row = unidentifiedRow({ pid, ppid, name: argv[0] ?? '', argv, argvExact: true });
    rows.push({ ...row, identity, startedAt: began + passed + slept, state: 'S', processorMs: 100, rssBytes: 60 * 1024 ** 2 });
  }
  let next = 1_000;
  const start = (ppid: number, name: string, directory?: string): number => {
    next += 1;
    if (directory !== undefined) {
      directories.set(next, tree.path(directory));
    }
    add(next, ppid, [node, tree.path(`${name}-mcp.js`)]);
    return next;
  };
  const end = (...pids: readonly number[]): void => {
    rows = rows.filter(({ pid }) => !pids.includes(pid));
  };
  const change = (pid: number, more: Partial<ProcessRow>): void => {
    rows = rows.map((row) => (row.pid === pid ? { ...row, ...more } : row));
  };
  const scan = async (ms = 0): Promise<Snapshot> => {
    passed += ms;
    return surveyor.survey();
  };
  const told = ({ instances, definitions }: Snapshot): string[] =>
    [...instances, ...definitions].flatMap(({ name, findings }) =>
      findings
        .filter(({ kind }) => kind === 'copies' || kind === 'respawn-storm' || kind === 'runaway')
        .map((finding) => `${name} ${finding.kind}${isHeadline(finding) ? '' : ` ${finding.confidence} information`}`),
    );
  const tally = (snapshot: Snapshot): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const one of told(snapshot)) {
      counts[one] = (counts[one] ?? 0) + 1;
    }
    return counts;
  };

  it('threads that keep their servers: all but the newest count after an hour; what worked does not', async () => {
    const pids: number[] = [];
    for (let thread = 0; thread < 12; thread++) {
      pids.push(start(codex, 'notes'), start(codex, 'files'));
      assert.deepEqual(told(await scan(6 * second)), []);
    }
    assert.deepEqual(told(await scan(30 * minute)), []);
    assert.deepEqual(tally(await scan(32 * minute)), { 'notes copies': 11, 'files copies': 11 });
    change(pids[0] ?? 0, { processorMs: 400 });
    assert.deepEqual(tally(await scan(minute)), { 'notes copies likely information': 10, 'files copies': 11 });
  });

  it('threads that were restored within three seconds: all but the newest count after an hour', async () => {
    for (let thread = 0; thread < 12; thread++) {
      start(codex, 'notes');
      start(codex, 'files');
      assert.deepEqual(told(await scan(0.25 * second)), []);
    }
    assert.deepEqual(told(await scan(59 * minute)), []);
    assert.deepEqual(tally(await scan(11 * minute)), { 'notes copies': 11, 'files copies': 11 });
  });

  it('opencode, a copy for each directory that it was asked about: twelve that rest are told, and what twelve sessions leave in one directory', async () => {
    const pids: number[] = [];
    for (let at = 0; at < 12; at++) {
      pids.push(start(opencode, 'notes', `project-${at}`));
      assert.deepEqual(told(await scan(7 * second)), []);
    }
    const rested = await scan(70 * minute);
    assert.deepEqual(tally(rested), { 'notes copies': 11 });
    const [finding] = rested.instances.find(({ pid }) => pid === pids[3])?.findings ?? [];
    assertNames(finding?.evidence.join('\n'), 'project-3', 'copy 4 of 12');
    end(...pids);
    for (let session = 0; session < 12; session++) {
      start(opencode, 'notes', 'project-0');
      // A language server below each, as for an index.
      add(next + 5_000, next, [node, tree.path('tsserver.js')]);
      assert.deepEqual(told(await scan(7 * second)), []);
    }
    assert.deepEqual(tally(await scan(70 * minute)), { 'notes copies': 11 });
  });

  it('Zed, a copy for each project: threads that keep one in the project are told, projects and threads that end are not', async () => {
    for (let at = 0; at < 5; at++) {
      start(zed, 'files', `project-${at}`);
    }
    for (let thread = 0; thread < 15; thread++) {
      const [notes, files] = [start(zed, 'notes', 'project-0'), start(zed, 'files', 'project-0')];
      assert.deepEqual(told(await scan(20 * second)), []);
      end(...(thread < 11 ? [notes, files] : [files]));
    }
    assert.deepEqual(tally(await scan(70 * minute)), { 'notes copies likely information': 3 });
    for (let thread = 0; thread < 8; thread++) {
      start(zed, 'notes', 'project-0');
    }
    await scan();
    assert.deepEqual(tally(await scan(70 * minute)), { 'notes copies': 11 });
  });

  it('a server that ends again and again under one session: the newest has the finding, and the entry where none runs', async () => {
    let found: Snapshot | undefined;
    for (let at = 0; at < 6; at++) {
      const pid = start(claude, 'notes');
      await scan(2 * second);
      end(pid);
      found = await scan(second);
    }
    assert.deepEqual(told(found as Snapshot), ['notes respawn-storm']);
    start(claude, 'notes');
    assert.deepEqual(told(await scan(second)), ['notes respawn-storm']);
    assert.deepEqual(told(await scan(15 * minute)), []);
  });

  it('subagents one after the other, and short threads side by side, are no storm', async () => {
    for (let at = 0; at < 12; at++) {
      const agent = [start(claude, 'notes'), start(claude, 'files')];
      const thread = [start(codex, 'notes'), start(codex, 'files')];
      assert.deepEqual(told(await scan(10 * second)), []);
      end(...agent, ...thread);
      assert.deepEqual(told(await scan(second)), []);
    }
  });

  it('a core for an hour counts; nine minutes, a debugger and eight hours of sleep do not', async () => {
    const [wild, builds, stopped] = [start(claude, 'notes'), start(codex, 'files'), start(codex, 'notes')];
    let used = 100;
    const work = async (minutes: number): Promise<string[]> => {
      let last: string[] = [];
      for (let at = 1; at <= minutes; at++) {
        used += minute;
        change(wild, { processorMs: used });
        last = told(await scan(minute));
      }
      return last;
    };
    change(stopped, { state: 'T' });
    await scan();
    for (let at = 1; at <= 9; at++) {
      used += minute;
      change(wild, { processorMs: used });
      change(builds, { processorMs: used });
      assert.deepEqual(told(await scan(minute)), []);
    }
    slept = 480 * minute;
    assert.deepEqual(await work(1), ['notes runaway likely information']);
    assert.deepEqual(await work(50), ['notes runaway']);
    assert.deepEqual(told(await scan(5 * minute)), []);
  });
});
