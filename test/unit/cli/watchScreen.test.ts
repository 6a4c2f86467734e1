import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import type { ActionContext } from '../../../src/action/execute/executePlan.ts';
import { silentLog } from '../../../src/base/log.ts';
import type { CommandContext } from '../../../src/cli/command.ts';
import { createPaint } from '../../../src/cli/render/paint.ts';
import { troubledServers } from '../../../src/cli/render/stateWords.ts';
import { displayWidth } from '../../../src/cli/render/text.ts';
import { selectProblem, watchFooter, watchPage } from '../../../src/cli/render/watchView.ts';
import { WatchScreen } from '../../../src/cli/session/watchScreen.ts';
import type { Snapshot } from '../../../src/model/snapshot.ts';
import { assertNames } from '../../names.ts';
import { until } from '../../until.ts';
import { busySnapshot, client, finding, fixtureNow, instance, snapshot } from './fixture.ts';

/** A screen of 12 rows with a keyboard. */
class FakeWatch {
  drawn = '';
  quits = 0;
  readonly screen: WatchScreen;
  press: (key: string) => void = () => undefined;

  constructor(given: Snapshot, runDir: string) {
    const shell: Partial<CommandContext['shell']> = {
      stdout: { isTty: true, size: () => ({ columns: 80, rows: 12 }), write: (text) => this.#drew(text) },
      now: () => fixtureNow,
      onResize: () => () => undefined,
      onKey: (listener) => {
        this.press = listener;
        return () => undefined;
      },
    };
    const context = { shell, color: false, paint: createPaint(false), values: {}, positionals: [] } as unknown as CommandContext;
    const actions = {
      requester: { by: 'terminal (PID 1)', runDir, explicitRunDir: true, log: silentLog },
      planContext: { windows: new Set(), ownPids: new Set(), table: { isAlive: async () => false, list: async () => [] } },
      scan: async () => given,
    } as unknown as ActionContext;
    this.screen = new WatchScreen(context, undefined, { actions: async () => actions, quit: () => this.#quit() });
    this.screen.show(given);
  }

  #drew(text: string): void {
    this.drawn = text;
  }

  #quit(): void {
    this.quits += 1;
  }
}

describe('watch with a keyboard', () => {
  let folder = '';
  let watch: FakeWatch;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'watch-'));
  });
  afterEach(async () => {
    await watch.screen.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('scrolls to the end and back, and never draws more than the screen has', () => {
    watch = new FakeWatch(busySnapshot(), folder);
    assert.equal(watch.drawn.split('\n').length, 12);
    const first = watch.drawn;
    watch.press('end');
    assert.ok(!watch.drawn.includes('SERVER'), watch.drawn);
    watch.press('down');
    watch.press('pageup');
    watch.press('home');
    assert.equal(watch.drawn.split('\n')[1], first.replace(/^.*l/, '').split('\n')[1]);
  });

  it('names the selected problem, the worst first, and Tab leads through all of them', () => {
    const problems = troubledServers(busySnapshot()).map(({ pid }) => pid);
    assert.equal(problems.length, 3);
    assert.equal(problems[0], 5103);
    watch = new FakeWatch(busySnapshot(), folder);
    for (const pid of [...problems.slice(1), ...problems]) {
      watch.press('tab');
      assertNames(watch.drawn, `> `, `PID ${pid}`);
    }
    watch.press('shift-tab');
    assertNames(watch.drawn, `PID ${problems[1]}`);
  });

  it('r shows the step where only the user can restart it', async () => {
    watch = new FakeWatch(busySnapshot(), folder);
    watch.press('r');
    await until('the step', () => watch.drawn.includes('/mcp'));
    watch.press('y');
    assert.equal(watch.quits, 0);
  });

  it('r asks first; y restarts, any other key does nothing; q ends', async () => {
    const record = { id: 'r', serverId: 'n', state: 'running', exclusion: 'none', locks: [], control: ['restart'], guardPid: 69 } as const;
    const guarded = instance({
      name: 'notes',
      pid: 70,
      client: client('claude-code', 'Claude Code', 5),
      record,
      findings: [finding({ kind: 'stale' })],
    });
    watch = new FakeWatch(snapshot({ instances: [guarded] }), folder);
    for (const [key, shown] of [
      ['n', 'Nothing was changed'],
      // Its process is gone: the outcome says so.
      ['y', '70'],
    ] as const) {
      watch.press('r');
      await until('the question', () => watch.drawn.includes('y/n'));
      watch.press(key);
      await until('the outcome', () => !/y\/n|Restarting/.test(watch.drawn) && watch.drawn.includes(shown));
    }
    watch.press('q');
    assert.equal(watch.quits, 1);
  });

  it('has a footer that fits any width, whatever a server is called', () => {
    const evil = instance({ name: `\u001b[2J${'x'.repeat(3_000)}`, pid: 7, findings: [finding({ kind: 'stale' })] });
    for (const width of [30, 80, 200]) {
      const lines = watchFooter(evil, `${'step '.repeat(900)}\u001b[2J`, { width, color: false, now: fixtureNow });
      assert.ok(lines.length <= 6);
      assert.ok(lines.every((line) => displayWidth(line) <= width && !/\p{Cc}/u.test(line)));
    }
    assert.deepEqual(watchPage('a\nb\nc\nd\n', ['f'], 4, 9), { lines: ['c', 'd', 'f'], offset: 2, page: 2 });
    assert.equal(selectProblem([], 'gone', 1), undefined);
    watch = new FakeWatch(snapshot(), folder);
    watch.press('r');
  });
});
