// Files of an installed package that are written in place: no directory is renewed, no name changes, only the content of the files.
import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
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

  /** A dependency. @returns the file with its version */
  function helper(): string {
    const path = join(folder(), '..', 'helper-lib', 'package.json');
    mkdirSync(dirname(path), { recursive: true });
    const exports = { './*': { import: './esm/*', require: './cjs/*' } };
    writeFileSync(path, JSON.stringify({ name: 'helper-lib', version: '2.0.0', type: 'module', exports }));
    for (const kind of ['esm', 'cjs']) {
      mkdirSync(join(dirname(path), kind), { recursive: true });
      writeFileSync(join(dirname(path), kind, 'one.js'), `// ${kind}\n`);
    }
    return path;
  }

  /** A server whose entry is below the package's directory, installed well before its start. */
  async function start(dependencies = {}, imports = ''): Promise<RunningServer> {
    const entry = nodeServer(join(folder(), 'dist'));
    appendFileSync(join(folder(), 'dist', 'lib', 'helper.js'), imports);
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

  /** Waits until the scans that follow a start are over, so that none of them falls into a measured time. The survey looks for new processes once a second. */
  async function noScanOfItsOwn(): Promise<void> {
    let [last, since] = [live?.snapshot, Date.now()];
    await until('no scan for 1,500 ms', () => {
      if (live?.snapshot !== last) {
        [last, since] = [live?.snapshot, Date.now()];
      }
      return Date.now() - since > 1_500;
    });
  }

  it('are seen within a second where the package is watched: the version, the code alone in any file, and the version of a dependency', async () => {
    helper();
    const { pid } = await start({ 'helper-lib': '*' }, "import 'helper-lib/one.js';\n");
    const now = await watched(pid);
    await noScanOfItsOwn();
    const at = Date.now();
    version('1.1.0', { 'helper-lib': '*' });
    await until('the row is stale', () => headlines(now() as Instance).includes('stale/package/proven'), 5_000);
    const took = Date.now() - at;
    console.log(`      seen after ${took} ms`);
    // 500 ms of quiet are part of it.
    assert.ok(took > 500 && took < 2_000, `${took} ms`);
    version('1.0.0', { 'helper-lib': '*' });
    await until('the row is well', () => headlines(now() as Instance).length === 0, 5_000);
    // Nothing but the code of another file than the entry, then of the entry, the file of a dependency that it imports, and the version of that.
    for (const [path, label] of [
      [join('dist', 'lib', 'helper.js'), 'stale/content/proven'],
      [join('dist', 'server.js'), 'stale/content/proven'],
      [join('..', 'helper-lib', 'esm', 'one.js'), 'stale/content/proven'],
      [join('..', 'helper-lib', 'package.json'), 'stale/dependency/proven'],
    ] as const) {
      const file = join(folder(), path);
      const before = readFileSync(file, 'utf8');
      writeFileSync(file, path.endsWith('.json') ? before.replace('2.0.0', '2.1.0') : `${before}// another`);
      await until(`${path} makes the row stale`, () => headlines(now() as Instance).includes(label), 2_000);
      writeFileSync(file, before);
      await until('the row is well', () => headlines(now() as Instance).length === 0, 5_000);
    }
    const other = join(folder(), '..', 'helper-lib', 'cjs', 'one.js');
    writeFileSync(other, '// not loaded');
    utimesSync(join(folder(), '..', 'helper-lib', 'esm', 'one.js'), new Date(), new Date());
    await live?.refresh();
    await noScanOfItsOwn();
    assert.deepEqual(headlines(now() as Instance), [], 'the form that is not loaded, and a touch');
  });

  it('a link to a dependency that led elsewhere before the first scan is not taken for what runs', async () => {
    const stored = (release: string, text: string): void => {
      const below = join(world.root, 'project', 'node_modules', '.store', release, 'helper-lib');
      mkdirSync(below, { recursive: true });
      writeFileSync(join(below, 'package.json'), JSON.stringify({ name: 'helper-lib', version: text }));
    };
    const link = join(folder(), '..', 'helper-lib');
    mkdirSync(folder(), { recursive: true });
    stored('a', '2.0.0');
    stored('b', '2.1.0');
    symlinkSync(join('.store', 'a', 'helper-lib'), link);
    const { pid } = await start({ 'helper-lib': '*' });
    await afterTheStart();
    assert.equal((await late(pid)).unknown, undefined);
    rmSync(join(world.root, 'late'), { recursive: true });
    rmSync(link);
    symlinkSync(join('.store', 'b', 'helper-lib'), link);
    const { package: own, unknown, findings } = await late(pid);
    assert.deepEqual([own?.running, findings], ['1.0.0', []]);
    assertNames(unknown, link);
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

  it('count by their own time alone: the code without the version, a dependency; a touch and a chmod look the same, a hard link does not', async () => {
    const dependency = helper();
    const { pid } = await start({ 'helper-lib': '*' });
    await afterTheStart();
    linkSync(join(folder(), 'dist', 'server.js'), join(world.root, 'elsewhere.js'));
    assert.deepEqual(await late(pid).then(({ package: own, unknown }) => [own?.running, unknown]), ['1.0.0', undefined]);

    rmSync(join(world.root, 'late'), { recursive: true });
    utimesSync(dependency, new Date(), new Date());
    const touched = await late(pid);
    assert.deepEqual([touched.package?.running, touched.findings], ['1.0.0', []]);
    assertNames(touched.unknown, join('helper-lib', 'package.json'));

    rmSync(join(world.root, 'late'), { recursive: true });
    appendFileSync(join(dirname(dependency), 'esm', 'one.js'), '// another');
    const imported = await late(pid);
    assert.deepEqual([imported.package?.running, imported.findings], ['1.0.0', []]);

    rmSync(join(world.root, 'late'), { recursive: true });
    appendFileSync(join(folder(), 'dist', 'lib', 'helper.js'), '// another');
    const written = await late(pid);
    assert.deepEqual([written.package?.running, written.findings], [null, []]);
    assertNames(written.unknown, 'helper.js');

    // Rights change the change time alone, as does the replacement by a file with old times.
    rmSync(join(world.root, 'late'), { recursive: true });
    chmodSync(manifest(), 0o600);
    const changed = await late(pid);
    assert.deepEqual([changed.package?.running, changed.findings], [null, []]);
    assertNames(changed.unknown, 'package.json');
  });
});
