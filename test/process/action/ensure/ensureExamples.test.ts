import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EnsureResult } from '../../../../src/action/ensure/ensureDecision.ts';
import { assertNames } from '../../../names.ts';
import { findPython } from '../../package/pythonWheels.ts';
import { freePort, imitation, type RunningHttp, startImitation } from '../../survey/ports/httpServer.ts';
import { makeWorld, type World } from '../../survey/world.ts';
import { clearPort, ensure, listenersOf } from './ensureWorld.ts';

const examples = join(import.meta.dirname, '..', '..', '..', '..', 'examples');

interface Answer {
  readonly code: number | null;
  readonly result: EnsureResult;
}

for (const language of ['Python', 'Node']) {
  describe(`examples: ensure in ${language}`, function () {
    this.timeout(120_000);
    let world: World;
    let port = 0;
    let program: readonly string[] = [];
    const running: RunningHttp[] = [];

    before(async function () {
      const python = await findPython();
      if (process.platform !== 'linux' || !python) {
        console.log('skipped: the examples of ensure are tried with /proc and python3');
        this.skip();
      }
      program = language === 'Python' ? [python, join(examples, 'ensure.py')] : [process.execPath, join(examples, 'ensure.mjs')];
    });
    beforeEach(async () => {
      world = makeWorld();
      mkdirSync(world.runDir, { mode: 0o700 });
      port = await freePort();
    });
    afterEach(async () => {
      for (const one of running.splice(0)) {
        await one.stop();
      }
      await clearPort(port);
      await world.remove();
    });

    function run(version: string, options: readonly string[] = [], starts = version, more: readonly string[] = []): Promise<Answer> {
      const [command = '', script = ''] = program;
      const start = ['python3', imitation, '{port}', '--version', starts, ...more];
      const env = { PATH: process.env.PATH, HOME: world.home, MCP_RUN_DIR: world.runDir };
      const args =
        language === 'Python'
          ? [script, ...options, 'notes', String(port), version, '--', ...start]
          : [script, 'notes', String(port), version, ...options, '--', ...start];
      return new Promise((resolve, reject) => {
        const child = execFile(command, args, { env }, (error, stdout, stderr) => {
          if (stdout === '') {
            reject(error ?? new Error(stderr));
          } else {
            resolve({ code: child.exitCode, result: JSON.parse(stdout) });
          }
        });
      });
    }

    it('starts, reuses, replaces an older one by /shutdown, and leaves a newer one alone', async () => {
      const log = join(world.root, 'log');
      const started = await run('1.0.0', [], '1.0.0', ['--shutdown', '--log', log]);
      assert.deepEqual([started.code, started.result.server_status, started.result.version], [0, 'started', '1.0.0']);
      const reused = await run('1.0.0', [], 'never');
      assert.deepEqual([reused.code, reused.result.server_status, reused.result.pid], [0, 'reused', started.result.pid]);
      const passive = await run('2.0.0', ['--passive']);
      assert.deepEqual([passive.code, passive.result.server_status], [3, 'older']);
      const replaced = await run('2.0.0', ['--shutdown']);
      assert.deepEqual(
        [replaced.code, replaced.result.server_status, replaced.result.version, replaced.result.previous?.pid],
        [0, 'replaced', '2.0.0', started.result.pid],
      );
      assertNames(readFileSync(log, 'utf8'), 'POST /shutdown');
      const newer = await run('1.0.0');
      assert.deepEqual([newer.code, newer.result.server_status, newer.result.wanted], [3, 'newer', '1.0.0']);
      assert.deepEqual(await listenersOf(port), [replaced.result.pid]);
    });

    it('starts once when several ask at once, also beside the command line', async () => {
      const [one, two, three] = await Promise.all([run('1.0.0'), run('1.0.0'), ensure(world, { port, version: '1.0.0' })]);
      const results = [one.result, two.result, three];
      assert.deepEqual(results.map(({ server_status: status }) => status).sort(), ['reused', 'reused', 'started'], JSON.stringify(results));
      assert.equal(new Set(results.map(({ pid }) => pid)).size, 1);
    });

    for (const health of process.env.TEST_LONG === '1' ? ['html', 'other', 'hang', 'none', 'dribble'] : ['html', 'other', 'dribble']) {
      it(`leaves a program alone whose /health is ${health}, and names port and PID`, async () => {
        const other = await startImitation(['--health', health], port);
        running.push(other);
        const { code, result } = await run('2.0.0');
        assert.deepEqual([code, result.server_status, result.pid], [2, 'foreign', other.pid]);
        assertNames(result.message, `port ${port}`, `PID ${other.pid}`);
        assert.deepEqual(await listenersOf(port), [other.pid]);
      });
    }

    it('leaves another server alone that is older, by the name in its /health; its own name is replaced (control)', async () => {
      const other = await startImitation(['--name', 'another', '--version', '0.1.0'], port);
      running.push(other);
      const { result } = await run('2.0.0');
      assert.deepEqual([result.server_status, result.pid], ['foreign', other.pid]);
      assert.deepEqual(await listenersOf(port), [other.pid]);
      await other.stop();
      running.push(await startImitation(['--name', 'notes', '--version', '0.1.0'], port));
      assert.equal((await run('2.0.0')).result.server_status, 'replaced');
    });

    it('leaves a server alone whose version says nothing', async () => {
      const other = await startImitation(['--version', 'unknown'], port);
      running.push(other);
      assert.deepEqual((({ code, result }) => [code, result.server_status])(await run('unknown')), [3, 'unknown']);
      assert.deepEqual(await listenersOf(port), [other.pid]);
    });

    it('fails in time, with the end of the log, and leaves nothing behind', async () => {
      const wrong = await run('1.0.0', [], '1.0.0', ['--no-such-option']);
      assert.deepEqual([wrong.code, wrong.result.server_status], [2, 'failed']);
      assertNames(wrong.result.log_tail?.join('\n'), 'unrecognized arguments: --no-such-option');
      const slow = await run('1.0.0', language === 'Python' ? ['--timeout', '1'] : ['--timeout=1'], '1.0.0', ['--start-delay', '600']);
      assertNames(slow.result.message, 'within 1 s');
      assert.deepEqual(await listenersOf(port), []);
    });
  });
}
