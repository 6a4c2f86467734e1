// Real clients from npm that keep one server for each thread or directory; the hour in which these do nothing is moved, not waited for. Hundreds of megabytes are fetched
// once: in the long run only.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, it } from 'mocha';
import { waitFor } from '../../../scripts/system/waitFor.ts';
import { type ActionContext, executePlan } from '../../../src/action/execute/executePlan.ts';
import { readPlanContext } from '../../../src/action/execute/planContext.ts';
import { pruneCandidates } from '../../../src/action/plan/pruneCandidates.ts';
import { silentLog } from '../../../src/base/log.ts';
import { isHeadline } from '../../../src/model/finding.ts';
import type { Snapshot } from '../../../src/model/snapshot.ts';
import { billOf } from '../../../src/presentation/bill.ts';
import type { Clock } from '../../../src/survey/facts/bootClock.ts';
import type { Surveyor } from '../../../src/survey/surveyor.ts';
import { installOpencode, startOpencode } from '../../screen/realOpencode.ts';
import { clientProgram } from '../action/protect/clientProgram.ts';
import { nowhere, startCodexThread } from '../action/protect/codexAppServer.ts';
import { RealClientStage } from '../action/protect/realClientStage.ts';
import { isRunning } from '../guard/guardedServer.ts';

const minute = 60_000;
const names = ['notes', 'files', 'search'] as const;
const threads = 12;

/** Its tool works for 0.2 s and tells its PID. */
const server = `
const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (method === 'tools/call') for (const end = Date.now() + 200; Date.now() < end;);
  const answers = {
    initialize: { protocolVersion: params?.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'pid', version: '1' } },
    'tools/list': { tools: [{ name: 'pid', inputSchema: { type: 'object' } }] },
    'tools/call': { content: [{ type: 'text', text: String(process.pid) }] },
    ping: {},
  };
  if (id !== undefined) say(answers[method] ? { id, result: answers[method] } : { id, error: { code: -32601, message: method } });
}).on('close', () => process.exit(0));`;

describe('copies of real clients', function () {
  const stage = new RealClientStage(this);
  let later = 0;
  const clock: Clock = {
    now: () => Date.now() + later,
    uptime: () => performance.now() + later,
    awake: () => performance.now() + later,
  };
  let observer: Surveyor;
  let script = '';

  beforeEach(async () => {
    later = 0;
    script = join(stage.world.home, 'server.cjs');
    writeFileSync(script, server);
    observer = await stage.world.observer({ clock });
  });

  const told = (snapshot: Snapshot): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const { name, findings } of snapshot.instances) {
      for (const one of findings) {
        const key = [name, one.kind, ...(isHeadline(one) ? [] : ['information'])].join(' ');
        counts[key] = (counts[key] ?? 0) + 1;
      }
    }
    return counts;
  };
  const whenRunning = (count: number): Promise<Snapshot> =>
    waitFor(
      `${count} servers`,
      async () => {
        const snapshot = await observer.survey();
        return snapshot.instances.length === count ? snapshot : undefined;
      },
      { limit: 120_000 },
    );
  /** Looks again 90 minutes later, until every server was seen to rest for an hour since its start. */
  const rested = async (): Promise<Snapshot> => {
    await observer.survey();
    later += 90 * minute;
    await observer.survey();
    later += 90 * minute;
    return observer.survey();
  };

  const contextFor = async (snapshot: Snapshot): Promise<ActionContext> => ({
    requester: { by: 'a test', runDir: stage.world.runDir, explicitRunDir: true, log: silentLog },
    planContext: await readPlanContext(stage.world.runDir, process.platform, snapshot),
    scan: () => observer.survey(),
  });

  it('Codex, 12 threads with 3 servers: all but those of the newest thread are idle copies, and not what was called; a stopped one does not come back', async () => {
    const codex = await clientProgram('@openai/codex', '0.169.0', 'codex');
    const entries = names.map(
      (name) => `[mcp_servers.${name}]\ncommand = ${JSON.stringify(process.execPath)}\nargs = ${JSON.stringify([script, name])}\n`,
    );
    stage.world.write('.codex/config.toml', `${nowhere}${entries.join('')}`);
    const project = join(stage.world.root, 'shop');
    mkdirSync(project);
    const thread = await startCodexThread(codex, project, stage.env);
    try {
      for (let at = 1; at < threads; at++) {
        await thread.startAnother();
      }
      const early = await whenRunning(threads * names.length);
      assert.deepEqual(told(early), {});
      assert.deepEqual([...new Set(early.instances.map(({ client }) => `${client?.id} ${client?.pid === thread.pid}`))].length, 1);
      assert.deepEqual(new Set(early.instances.map(({ client }) => client?.id)), new Set(['codex']));
      assert.equal(billOf(early.instances).copies, (threads - 1) * names.length);
      const snapshot = await rested();
      assert.deepEqual(told(snapshot), Object.fromEntries(names.map((name) => [`${name} copies`, threads - 1])));
      assert.equal(billOf(snapshot.instances).idle, threads * names.length);

      const called = Number(await thread.call('notes', 'pid'));
      later += minute;
      const worked = await observer.survey();
      assert.deepEqual(told(worked), {
        'notes copies information': threads - 2,
        'files copies': threads - 1,
        'search copies': threads - 1,
      });
      assert.deepEqual(worked.instances.find(({ pid }) => pid === called)?.findings, []);

      const context = await contextFor(worked);
      const idle = pruneCandidates(worked, context.planContext).filter(({ class: kind }) => kind === 'idle-copy');
      assert.equal(idle.length, 3 * (threads - 1) - 1);
      const [first] = idle;
      assert.ok(first);
      const outcome = await executePlan(first.plan, context);
      assert.equal(outcome.status, 'done', outcome.message);
      assert.ok(!('startedAgain' in outcome), outcome.message);
      assert.equal(isRunning(first.instance.pid), false);
      assert.equal(Number(await thread.call('notes', 'pid')), called, 'the thread with the other copies goes on');
      assert.equal((await observer.survey()).instances.length, threads * names.length - 1);
    } finally {
      await thread.dispose();
    }
  });

  it('opencode, a copy for each of 12 directories: those that rest are told but for the newest, and opencode itself stops one', async () => {
    const opencode = await installOpencode();
    const local = (name: string): object => ({ type: 'local', command: [process.execPath, script, name], timeout: 60_000 });
    stage.world.write('.config/opencode/opencode.json', { mcp: { notes: local('notes'), files: local('files') } });
    const folder = (at: number): string => join(stage.world.root, `project-${at}`);
    for (let at = 0; at < threads; at++) {
      mkdirSync(folder(at));
    }
    const serving = await startOpencode(opencode, folder(0), stage.env);
    try {
      for (let at = 0; at < threads; at++) {
        assert.deepEqual(await serving.workIn(folder(at)), { notes: 'connected', files: 'connected' });
      }
      const early = await whenRunning(threads * 2);
      assert.deepEqual(new Set(early.instances.map(({ client }) => client?.id)), new Set(['opencode']));
      assert.equal(billOf(early.instances).copies, (threads - 1) * 2);
      const snapshot = await rested();
      assert.deepEqual(told(snapshot), { 'notes copies': threads - 1, 'files copies': threads - 1 });

      const context = await contextFor(snapshot);
      const idle = pruneCandidates(snapshot, context.planContext).filter(({ class: kind }) => kind === 'idle-copy');
      assert.deepEqual([...new Set(idle.map(({ plan }) => plan.steps.map(({ kind }) => kind).join()))], ['ask-opencode']);
      const [first] = idle;
      assert.ok(first);
      const outcome = await executePlan(first.plan, context);
      assert.equal(outcome.status, 'done', outcome.message);
      assert.equal(isRunning(first.instance.pid), false);
      const directory = first.instance.cwd ?? '';
      const { [first.instance.name]: stopped, ...others } = await serving.workIn(directory);
      assert.deepEqual([stopped, ...Object.values(others)], ['disabled', 'connected'], 'opencode knows that it is stopped');
      assert.deepEqual(
        await serving.workIn(folder(directory.endsWith('-3') ? 4 : 3)),
        { notes: 'connected', files: 'connected' },
        'the other directories keep theirs',
      );
    } finally {
      await serving.dispose();
    }
  });
});
