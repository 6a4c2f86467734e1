// The table of layouts in docs/staleness.md: every installer, every event, judged by an observer that scanned before the event and by one that starts after it and has
// no facts. Each pair of layout and event has an installation and a running server of its own. `npm test` runs one layout of each kind; TEST_LONG=1 runs all of them
// and prints the table.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startToleranceMs } from '../../../../src/diagnosis/stale/baseline.ts';
import type { Instance } from '../../../../src/model/snapshot.ts';
import { untilPast } from '../../../until.ts';
import { npmEnv } from '../../package/npmServers.ts';
import { findPython } from '../../package/pythonWheels.ts';
import { headlines, makeWorld, settled, type World } from '../world.ts';
import { handLayouts } from './handLayouts.ts';
import {
  events,
  isStaleAfter,
  type Layout,
  type LayoutEvent,
  type Place,
  type Verdict,
  wantedAfterwards,
  wantedBefore,
} from './layoutRow.ts';
import { type LocalPackages, serveLocalPackages } from './localPackages.ts';
import { nodeLayouts } from './nodeLayouts.ts';
import { pythonLayouts } from './pythonLayouts.ts';

const long = process.env.TEST_LONG === '1';
/** Layouts that are measured at the same time: they mostly wait. */
const lanes = long ? 3 : 8;
/** Installers of one layout that run at the same time. */
const atOnce = 3;

const all = [...nodeLayouts, ...pythonLayouts, ...handLayouts];
const layouts = all.filter(({ quick = [] }) => long || quick.length > 0);

interface Seen {
  readonly event: LayoutEvent;
  readonly before: Verdict;
  readonly afterwards: Verdict;
  /** Running and installed, for the observer that scanned before. */
  readonly versions: readonly [string | null | undefined, string | null | undefined];
  readonly instances: readonly Instance[];
}

/** Runs a task for each item, so many at a time. */
async function inLanes<T>(items: readonly T[], count: number, task: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const lane = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      await task(item);
    }
  };
  await Promise.all(Array.from({ length: count }, lane));
}

/** Events that are closer to a start than this cannot be ordered by their times. */
const tolerance = (since: number): Promise<void> => untilPast(since, startToleranceMs + 200);

function verdict(instance: Instance): Verdict {
  const found = headlines(instance);
  return (found.length > 0 ? found.join(', ') : instance.unknown === undefined ? '-' : 'unknown') as Verdict;
}

async function act(layout: Layout, event: LayoutEvent, place: Place): Promise<void> {
  const [older, newer] = layout.versions;
  switch (event) {
    case 'upgrade':
      await layout.install(place, newer);
      break;
    case 'downgrade':
      await layout.install(place, older);
      break;
    case 'same version again':
      await layout.again(place, older);
      break;
    case 'unrelated install':
      await layout.unrelated(place);
      break;
    case 'prune of the old version':
      await layout.install(place, newer);
      await layout.prune(place, older);
      break;
    case 'roll-back':
      await layout.install(place, newer);
      await layout.install(place, older);
      break;
  }
}

const firstVersion = ({ versions }: Layout, event: LayoutEvent): string => (event === 'downgrade' ? versions[1] : versions[0]);

describe('the table of layouts', function () {
  this.timeout(600_000);
  let packages: LocalPackages;
  const measured = new Map<Layout, Promise<readonly Seen[]>>();
  const rows: string[] = [];
  const counts = { right: 0, false: 0, missed: 0, likely: 0, unknown: 0 };

  before(async function () {
    if (process.platform !== 'linux' || !(await findPython())) {
      console.log('skipped: the layouts are made with Linux and Python');
      this.skip();
    }
    packages = await serveLocalPackages();
    const lane = Array.from({ length: lanes }, async (): Promise<unknown> => undefined);
    for (const [index, layout] of layouts.entries()) {
      const task = (lane[index % lanes] ?? Promise.resolve()).then(() => measure(layout));
      measured.set(layout, task);
      // The test of this layout awaits it, later.
      lane[index % lanes] = task.catch(() => undefined);
    }
  });

  after(() => {
    packages?.close();
    if (long && rows.length > 0) {
      const { right, likely, unknown } = counts;
      console.log(
        [
          '| layout | made | event | seen before | seen only afterwards |',
          '| --- | --- | --- | --- | --- |',
          ...rows,
          `${right + likely + unknown + counts.false + counts.missed} verdicts: ${right} right, ${likely} likely where the same version was written again, ${unknown} unknown, ${counts.false} false, ${counts.missed} missed.`,
        ].join('\n'),
      );
    }
  });

  async function measure(layout: Layout): Promise<readonly Seen[]> {
    const world = makeWorld();
    try {
      return await measureIn(world, layout);
    } finally {
      await world.remove();
    }
  }

  async function measureIn(world: World, layout: Layout): Promise<readonly Seen[]> {
    const env = await toolEnvironment(world);
    const chosen = long ? events : (layout.quick ?? []);
    const cases = chosen.map((event, index) => ({ event, place: { folder: join(world.root, `case-${index}`), env } }));
    await inLanes(cases, atOnce, async ({ event, place }) => {
      mkdirSync(place.folder, { recursive: true });
      writeFileSync(join(place.folder, '.npmrc'), `registry=${packages.url}\n`);
      await layout.install(place, firstVersion(layout, event));
    });
    await tolerance(Date.now());
    const commands = await Promise.all(cases.map(async ({ place }) => layout.command(place)));
    const entries = commands.map(({ words: [command, ...args], env: more = {} }, index) => [`case-${index}`, { command, args, env: more }]);
    world.write('.claude.json', { mcpServers: Object.fromEntries(entries) });
    const pids = await Promise.all(
      commands.map(async ({ words: [command, ...args], env: more }, index) => {
        const cwd = cases[index]?.place.folder ?? world.root;
        return (await world.start(command, args, { cwd, env: { ...env, ...more } })).pid;
      }),
    );
    const started = Date.now();
    const look = async (runDir: string): Promise<Instance[]> => {
      const { instances } = await settled(await world.observer({ runDir: join(world.root, runDir) }));
      return pids.map((pid, index) => {
        const found = instances.find((one) => one.tree.includes(pid) || one.launchers.some((launcher) => launcher.pid === pid));
        assert.ok(found, `${layout.name}, ${cases[index]?.event}: its server is not found`);
        return found;
      });
    };
    for (const [index, instance] of (await look('before')).entries()) {
      const event = cases[index]?.event ?? 'upgrade';
      const what = `${layout.name}, before ${event}: ${JSON.stringify(instance)}`;
      assert.equal(instance.package?.running, firstVersion(layout, event), what);
      assert.deepEqual([verdict(instance), instance.definitions.length], [layout.fresh ?? '-', 1], what);
    }
    await tolerance(started);
    await inLanes(cases, atOnce, ({ event, place }) => act(layout, event, place));
    const before = await look('before');
    const afterwards = await look('afterwards');
    return cases.map(({ event }, index): Seen => {
      const [one, late] = [before[index], afterwards[index]];
      assert.ok(one && late);
      return {
        event,
        before: verdict(one),
        afterwards: verdict(late),
        versions: [one.package?.running, one.package?.installed],
        instances: [one, late],
      };
    });
  }

  async function toolEnvironment(world: World): Promise<Place['env']> {
    return {
      ...(await npmEnv()),
      HOME: world.home,
      CI: '',
      npm_config_userconfig: world.write('.npmrc', `registry=${packages.url}\n`),
      npm_config_registry: packages.url,
      npm_config_cache: join(world.root, 'npm-cache'),
      npm_config_store_dir: join(world.root, 'pnpm-store'),
      XDG_CACHE_HOME: join(world.root, 'cache'),
      XDG_DATA_HOME: join(world.root, 'data'),
      XDG_STATE_HOME: join(world.root, 'state'),
      BUN_INSTALL_CACHE_DIR: join(world.root, 'bun-cache'),
      BUN_INSTALL: join(world.root, 'bun'),
      YARN_ENABLE_TELEMETRY: '0',
      YARN_ENABLE_GLOBAL_CACHE: '0',
      YARN_ENABLE_IMMUTABLE_INSTALLS: '0',
      YARN_NPM_REGISTRY_SERVER: packages.url,
      YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
    };
  }

  for (const layout of layouts) {
    it(`${layout.name} (${layout.made})`, async () => {
      const seen = await (measured.get(layout) ?? []);
      const wrong: string[] = [];
      for (const { event, before, afterwards, versions, instances } of seen) {
        rows.push(`| ${layout.name} | ${layout.made} | ${event} | ${before} | ${afterwards} |`);
        const stale = isStaleAfter(event);
        for (const [late, said] of [before, afterwards].entries()) {
          const finding = said !== '-' && said !== 'unknown';
          const rewritten = late === 1 && !stale && event !== 'unrelated install' && said.endsWith('/likely');
          const known = said === 'unknown' && (late === 1 || layout.fresh === 'unknown');
          counts[rewritten ? 'likely' : known ? 'unknown' : finding === stale ? 'right' : stale ? 'missed' : 'false'] += 1;
        }
        const wanted = [wantedBefore(layout, event), wantedAfterwards(layout, event)];
        if (before !== wanted[0] || afterwards !== wanted[1]) {
          const told = instances.map(({ package: own, unknown, findings }) =>
            JSON.stringify({ own, unknown, findings: findings.map((one) => one.message) }),
          );
          wrong.push(`${event}: ${before} | ${afterwards} instead of ${wanted.join(' | ')}\n${told.join('\n')}`);
        }
        const now = stale ? layout.versions[event === 'downgrade' ? 0 : 1] : layout.versions[0];
        if (versions.join() !== [firstVersion(layout, event), now].join()) {
          wrong.push(`${event}: runs ${versions[0]}, installed ${versions[1]}`);
        }
      }
      if (wrong.length > 0) {
        throw new Error(wrong.join('\n'));
      }
    });
  }
});
