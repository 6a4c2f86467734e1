// Real servers below one client process, as a client with threads keeps them; time is moved, not waited for.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type ActionContext, executePlan } from '../../../src/action/execute/executePlan.ts';
import { pruneCandidates } from '../../../src/action/plan/pruneCandidates.ts';
import { silentLog } from '../../../src/base/log.ts';
import type { Snapshot } from '../../../src/model/snapshot.ts';
import { ProcTable } from '../../../src/process/linux/procTable.ts';
import type { Clock } from '../../../src/survey/facts/bootClock.ts';
import type { Surveyor } from '../../../src/survey/surveyor.ts';
import { onlyOnLinux } from '../onlyOnLinux.ts';
import { Children } from '../process/children.ts';
import { instanceOf, makeWorld, type World } from './world.ts';

const minute = 60_000;

/** Starts one server for the line "start", and makes the server of a PID work for any other line. */
const client = `
const { spawn } = require('node:child_process');
const servers = new Map();
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  if (line !== 'start') return servers.get(Number(line)).stdin.write('work\\n');
  const child = spawn(process.execPath, [process.argv[2]], { stdio: ['pipe', 'pipe', 'inherit'] });
  servers.set(child.pid, child);
  require('node:readline').createInterface({ input: child.stdout }).on('line', (told) => console.log(told + ' ' + child.pid));
});
`;
const server = `
console.log('ready');
require('node:readline').createInterface({ input: process.stdin }).on('line', () => {
  for (const end = Date.now() + 200; Date.now() < end;);
  console.log('worked');
}).on('close', () => process.exit(0));
`;

describe('idle copies of real servers', function () {
  this.timeout(60_000);
  const table = new ProcTable();
  const children = new Children();
  let world: World;
  let later = 0;
  const shifted = (ms: number): number => ms + later;
  const clock: Clock = {
    now: () => shifted(Date.now()),
    uptime: () => shifted(performance.now()),
    awake: () => shifted(performance.now()),
  };
  let tell: (line: string) => Promise<number> = async () => 0;

  onlyOnLinux('needs /proc');
  beforeEach(async () => {
    later = 0;
    world = makeWorld();
    const put = (path: string, text: string): string => {
      const file = join(world.root, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      return file;
    };
    const [program, entry] = [put('bin/codex', client), put('notes-mcp.cjs', server)];
    world.write(
      '.codex/config.toml',
      `[mcp_servers.notes]\ncommand = ${JSON.stringify(process.execPath)}\nargs = [${JSON.stringify(entry)}]\n`,
    );
    const codex = await children.start(process.execPath, [program, entry], { stdio: ['pipe', 'pipe', 'inherit'] });
    assert.ok(codex.stdin && codex.stdout);
    const { stdin, stdout } = codex;
    const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
    tell = async (line) => {
      stdin.write(`${line}\n`);
      const pid = Number(String((await lines.next()).value).split(' ')[1]);
      children.remember(pid);
      return pid;
    };
  });
  afterEach(async () => {
    await children.end();
    await world.remove();
  });

  async function startFive(): Promise<{ readonly old: readonly number[]; readonly newest: number }> {
    const old = [await tell('start'), await tell('start'), await tell('start'), await tell('start')];
    return { old, newest: await tell('start') };
  }
  const look = (surveyor: Surveyor): Promise<Snapshot> => surveyor.survey();
  const kinds = (snapshot: Snapshot, pid: number): string[] =>
    instanceOf(snapshot, pid).findings.map(({ kind, confidence, minor }) => [kind, confidence, minor && 'minor'].filter(Boolean).join('/'));
  const contextOf = (surveyor: Surveyor): ActionContext => ({
    requester: { by: 'a test', runDir: world.runDir, explicitRunDir: true, log: silentLog },
    planContext: { windows: new Set(), ownPids: new Set([process.pid]), table, ownIdentity: undefined, windowIdentities: new Map() },
    scan: () => surveyor.survey(),
  });
  const runs = async (pid: number): Promise<boolean> => (await table.list()).some((row) => row.pid === pid);

  it('are told after an hour without processor time, by the program that watched and by the next; what worked and the newest are not', async () => {
    const { old, newest } = await startFive();
    const [first = 0, second = 0, ...others] = old;
    const observer = await world.observer({ clock, copyLimits: () => ({ copies: 3, memoryBytes: Number.POSITIVE_INFINITY }) });
    later = 20 * minute;
    const early = await look(observer);
    assert.deepEqual(
      old.map((pid) => kinds(early, pid)),
      [[], [], [], []],
      'younger than an hour',
    );
    later = 90 * minute;
    const snapshot = await look(observer);
    assert.deepEqual(
      [...old, newest].map((pid) => kinds(snapshot, pid)),
      [...old.map(() => ['copies/likely']), []],
    );
    const next = await world.observer({ clock });
    assert.deepEqual(kinds(await look(next), first), ['copies/likely/minor'], 'an observer with the usual limits, from the records alone');

    const candidates = pruneCandidates(snapshot, contextOf(observer).planContext).filter(({ class: kind }) => kind === 'idle-copy');
    assert.deepEqual(
      candidates.map(({ class: kind, instance, preselected, plan }) => [kind, instance.pid, preselected, plan.confirm]),
      [...old].sort((a, b) => a - b).map((pid) => ['idle-copy', pid, false, 'twice']),
    );

    // Between the list and the signals one of them works.
    await tell(String(second));
    const outcomes = new Map<number, string>();
    for (const { plan } of candidates) {
      outcomes.set(plan.target.pid, (await executePlan(plan, contextOf(observer))).status);
    }
    assert.deepEqual(
      [...old].map((pid) => outcomes.get(pid)),
      ['done', 'refused', ...others.map(() => 'done')],
    );
    assert.deepEqual(await Promise.all([first, second, ...others, newest].map(runs)), [false, true, ...others.map(() => false), true]);
  });

  it('one look says once that it is not known', async () => {
    const { old, newest } = await startFive();
    later = 90 * minute;
    const snapshot = await look(await world.observer({ clock }));
    assert.deepEqual([...old, newest].map((pid) => kinds(snapshot, pid)).sort(), [[], [], [], [], ['copies/unknown']]);
    assert.deepEqual(
      pruneCandidates(snapshot, { windows: new Set(), ownPids: new Set() }).filter(({ class: kind }) => kind === 'idle-copy'),
      [],
    );
  });
});
