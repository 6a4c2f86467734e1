// Two commands 90 minutes apart over real servers below one client process: the second knows from the records of the first which copies did nothing. The hour is not waited
// for: a file that Node.js loads before the program moves its clocks ahead.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { withoutClientMarks } from '../../../scripts/system/withoutClientMarks.ts';
import { assertNames, assertOmits } from '../../names.ts';
import { isRunning } from '../guard/guardedServer.ts';
import { onlyOnLinux } from '../onlyOnLinux.ts';
import { Children } from '../process/children.ts';
import { makeWorld, type World } from '../survey/world.ts';
import { buildCli, RunningCli } from './bundle.ts';

const count = 12;

/** Starts its servers, and says their PIDs. */
const client = `
const { spawn } = require('node:child_process');
for (let at = 0; at < ${count}; at++) {
  const child = spawn(process.execPath, [process.argv[2]], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdout.once('data', () => console.log(child.pid));
}`;
const server = `console.log('ready'); process.stdin.on('end', () => process.exit(0)).resume();`;
const clocks = `
const os = require('node:os');
const ahead = Number(process.env.MINUTES_AHEAD) * 60_000;
const [now, uptime, awake] = [Date.now, os.uptime, process.hrtime.bigint];
Date.now = () => now() + ahead;
os.uptime = () => uptime() + ahead / 1_000;
process.hrtime.bigint = () => awake() + BigInt(ahead) * 1_000_000n;`;

describe('idle copies in the command line', function () {
  this.timeout(120_000);
  const children = new Children();
  let folder = '';
  let bundle = '';
  let world: World;
  let pids: readonly number[] = [];

  onlyOnLinux('needs /proc');
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cli-copies-'));
    bundle = await buildCli(folder);
    writeFileSync(join(folder, 'clocks.cjs'), clocks);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
  beforeEach(async () => {
    world = makeWorld();
    const put = (path: string, text: string): string => {
      const file = join(world.root, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      return file;
    };
    const [program, entry] = [put('bin/codex', client), put('notes-mcp.cjs', server)];
    const words = `command = ${JSON.stringify(process.execPath)}\nargs = [${JSON.stringify(entry)}]\n`;
    world.write('.codex/config.toml', `[mcp_servers.notes]\n${words}`);
    const codex = await children.start(process.execPath, [program, entry], { stdio: ['pipe', 'pipe', 'inherit'] });
    assert.ok(codex.stdout);
    const told: number[] = [];
    for await (const line of createInterface({ input: codex.stdout })) {
      told.push(Number(line));
      children.remember(Number(line));
      if (told.length === count) {
        break;
      }
    }
    pids = told.toSorted((a, b) => a - b);
  });
  afterEach(async () => {
    await children.end();
    await world.remove();
  });

  /** @param later minutes @returns output and exit code */
  async function shepherd(later: number, ...args: readonly string[]): Promise<{ readonly out: string; readonly code: number | null }> {
    const env = {
      ...withoutClientMarks(process.env),
      ...{ HOME: world.home, USERPROFILE: world.home, MCP_RUN_DIR: world.runDir, NO_COLOR: '1', MINUTES_AHEAD: String(later) },
      NODE_OPTIONS: `--require=${join(folder, 'clocks.cjs')}`,
    };
    const { stdout, stderr, code } = await new RunningCli(process.execPath, bundle, args, { cwd: world.home, env }).ended();
    assert.equal(stderr, '');
    return { out: stdout, code };
  }

  it('are told by the second status, added up by client, server and package, and stopped by prune --copies, which leaves the newest', async () => {
    const early = await shepherd(15, 'status', '--check');
    assert.equal(early.code, 0, early.out);
    assertNames(early.out, '12 servers, 11 of them copies', 'none known to be idle for an hour');
    // The processes start as quietly as they can, but a reading of 15 minutes after the start is the first that counts.
    const { out, code } = await shepherd(105, 'status', '--check');
    assert.equal(code, 1, out);
    assertNames(
      out,
      'idle copy',
      'Codex',
      'runs notes 12 times; 11 have done nothing for 1 h',
      '12 idle for an hour or longer',
      'prune --copies',
    );
    for (const [by, name] of [
      ['client', 'Codex (PID'],
      ['server', 'notes'],
      ['package', 'package unknown'],
    ] as const) {
      const bill = (await shepherd(106, 'status', '--by', by)).out;
      assert.match(bill, /SERVERS +COPIES +MEMORY +IDLE +IDLE MEMORY/);
      assertNames(bill, name, '12 servers, 11 of them copies');
    }
    const plan = await shepherd(107, 'prune', '--copies', '--dry-run');
    assertNames(plan.out, 'Idle copies of a client that runs', 's of processor time, none since', ...pids.slice(0, -1).map(String));
    assert.equal(plan.out.split('Threads or sessions').length, 2, 'the risk is told once');
    assert.deepEqual(pids.filter(isRunning), pids);
    const asked = await shepherd(107, 'prune', '--copies', '--yes');
    assert.equal(asked.code, 3, 'threads may be open: a second yes is needed');
    assert.deepEqual(pids.filter(isRunning), pids);
    const done = await shepherd(108, 'prune', '--copies', '--force');
    assert.equal(done.code, 0, done.out);
    assertNames(done.out, 'Threads or sessions that are open in Codex');
    assert.deepEqual(pids.filter(isRunning), pids.slice(-1));
    const after = await shepherd(109, 'status', '--check');
    assert.equal(after.code, 0, after.out);
    assertOmits(after.out, 'idle copy', 'copies');
    assertNames((await shepherd(110, 'history')).out, 'notes');
  });
});
