// Files of an installed package that are written in place: no directory is renewed, no name changes, only the content of the files.
import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, linkSync, mkdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { silentLog } from '../../../../src/base/log.ts';
import { startToleranceMs } from '../../../../src/diagnosis/stale/baseline.ts';
import type { Instance } from '../../../../src/model/snapshot.ts';
import { type LiveSurvey, startLiveSurvey } from '../../../../src/survey/liveSurvey.ts';
import { assertNames } from '../../../names.ts';
import { until, untilPast } from '../../../until.ts';
import type { RunningServer } from '../../package/observe.ts';
import { nodeServer } from '../tinyServers.ts';
import { headlines, instanceOf, makeWorld, settled, type World } from '../world.ts';

describe('files of a package that are written in place', function () {
  this.timeout(60_000);
  let world: World;
  let live: LiveSurvey | undefined;
  beforeEach(() => {
    world = makeWorld();
  });
  afterEach(async () => {
    live?.dispose();
    live = undefined;
    await world.remove();
  });

  const folder = (): string => join(world.root, 'project', 'node_modules', 'tiny-mcp');
  const manifest = (): string => join(folder(), 'package.json');
  const version = (text: string, dependencies = {}): void =>
    writeFileSync(manifest(), JSON.stringify({ name: 'tiny-mcp', version: text, type: 'module', bin: 'dist/server.js', dependencies }));

  /** A server whose entry is below the package's directory, installed well before its start. */
  async function start(dependencies = {}): Promise<RunningServer> {
    const entry = nodeServer(join(folder(), 'dist'));
    rmSync(join(folder(), 'dist', 'package.json'));
    version('1.0.0', dependencies);
    world.write('.claude.json', { mcpServers: { tiny: { command: process.execPath, args: [entry] } } });
    // An installation that is older than the tolerance of the start.
    await untilPast(statSync(manifest()).ctimeMs, startToleranceMs + 200);
    return world.start(process.execPath, [entry], { cwd: world.root, env: { PATH: process.env.PATH ?? '' } });
  }

  async function watched(pid: number): Promise<() => Instance | undefined> {
    live = startLiveSurvey(await world.observer(), silentLog);
    const survey = live;
    const now = (): Instance | undefined => survey.snapshot?.instances.find((one) => one.tree.includes(pid));
    await until('the server is known', () => now()?.package?.running === '1.0.0' && now()?.unknown === undefined, 10_000);
    return now;
  }

  it('are seen within a second where the package is watched: the version, and the code alone', async () => {
    const { pid } = await start();
    const now = await watched(pid);
    // The delay is the subject: no scan for another reason falls into the measured time.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const at = Date.now();
    version('1.1.0');
    await until('the row is stale', () => headlines(now() as Instance).includes('stale/package/proven'), 5_000);
    const took = Date.now() - at;
    console.log(`      seen after ${took} ms`);
    // 500 ms of quiet are part of it.
    assert.ok(took > 500 && took < 2_000, `${took} ms`);
    version('1.0.0');
    await until('the row is well', () => headlines(now() as Instance).length === 0, 5_000);
    // Nothing but the entry's code.
    appendFileSync(join(folder(), 'dist', 'server.js'), '// another');
    await until('the row is stale', () => headlines(now() as Instance).includes('stale/content/proven'), 2_000);
  });

  /** The instance for an observer who has no facts. */
  async function late(pid: number): Promise<Instance> {
    return instanceOf(await settled(await world.observer({ runDir: join(world.root, 'late') })), pid);
  }
  // Closer to the start, times cannot order two events.
  const afterTheStart = () => untilPast(Date.now(), startToleranceMs + 200);

  it('after the start and before the first scan are never taken for what runs', async () => {
    const { pid } = await start();
    await afterTheStart();
    version('1.1.0');
    appendFileSync(join(folder(), 'dist', 'server.js'), '// another');
    const { package: own, unknown, findings, evidence } = await late(pid);
    assert.deepEqual([own?.running, own?.installed], [null, '1.1.0']);
    assertNames(unknown, 'package.json');
    assert.deepEqual([findings, evidence?.baseline?.trust, evidence?.baseline?.written], [[], 'around-start', manifest()]);
  });

  it('count by their own time alone: the code without the version, a dependency; a touch looks the same, a chmod and a hard link do not', async () => {
    const dependency = join(folder(), '..', 'helper-lib', 'package.json');
    mkdirSync(dirname(dependency), { recursive: true });
    writeFileSync(dependency, JSON.stringify({ name: 'helper-lib', version: '2.0.0' }));
    const { pid } = await start({ 'helper-lib': '*' });
    await afterTheStart();
    chmodSync(manifest(), 0o600);
    linkSync(join(folder(), 'dist', 'server.js'), join(world.root, 'elsewhere.js'));
    assert.deepEqual(await late(pid).then(({ package: own, unknown }) => [own?.running, unknown]), ['1.0.0', undefined]);

    rmSync(join(world.root, 'late'), { recursive: true });
    utimesSync(dependency, new Date(), new Date());
    const touched = await late(pid);
    assert.deepEqual([touched.package?.running, touched.findings], ['1.0.0', []]);
    assert.match(touched.unknown ?? '', /helper-lib.package\.json was written after it started/);

    rmSync(join(world.root, 'late'), { recursive: true });
    appendFileSync(join(folder(), 'dist', 'lib', 'helper.js'), '// another');
    const written = await late(pid);
    assert.deepEqual([written.package?.running, written.findings], [null, []]);
    assertNames(written.unknown, 'helper.js');
  });
});
