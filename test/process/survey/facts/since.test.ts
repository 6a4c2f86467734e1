// Where no file shows when something changed, a finding is dated by the first scan that saw it, for every later scan of every observer.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Finding } from '../../../../src/model/finding.ts';
import type { Snapshot } from '../../../../src/model/snapshot.ts';
import { untilPast } from '../../../until.ts';
import { buildCli, RunningCli } from '../../cli/bundle.ts';
import { nodeServer } from '../tinyServers.ts';
import { instanceOf, makeWorld, settled, type World } from '../world.ts';

describe('a finding without a time of its own', function () {
  this.timeout(60_000);
  let world: World;
  let programs: string;
  let bundle: string;
  before(async () => {
    programs = mkdtempSync(join(tmpdir(), 'since-'));
    bundle = await buildCli(programs);
  });
  after(() => rmSync(programs, { recursive: true, force: true }));
  beforeEach(() => {
    world = makeWorld();
  });
  afterEach(() => world.remove());

  const modules = (): string => join(world.root, 'project', 'node_modules');
  const manifest = (name: string, more: object): void => {
    const file = join(modules(), name, 'package.json');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify({ name, version: '1.0.0', type: 'module', ...more }));
  };

  /** A server that requires a package whose removal leaves no time of an installation. */
  async function start(): Promise<number> {
    const entry = nodeServer(join(modules(), 'tiny-mcp'));
    manifest('tiny-mcp', { dependencies: { 'helper-lib': '*' } });
    manifest('helper-lib', {});
    world.write('.claude.json', { mcpServers: { tiny: { command: process.execPath, args: [entry] } } });
    const { pid } = await world.start(process.execPath, [entry], { cwd: world.root, env: { PATH: process.env.PATH ?? '' } });
    assert.deepEqual(instanceOf(await settled(await world.observer()), pid).findings, []);
    return pid;
  }
  const remove = (): void => rmSync(join(modules(), 'helper-lib'), { recursive: true });

  it('has the time of the first scan that saw it, also for another observer, and says so', async () => {
    const pid = await start();
    remove();
    const found: (Finding | undefined)[] = [];
    for (let count = 0; count < 2; count++) {
      const observer = await world.observer();
      found.push(instanceOf(await settled(observer), pid).findings[0]);
      // The next scan has another time.
      await untilPast(Date.now(), 50);
      found.push(instanceOf(await settled(observer), pid).findings[0]);
    }
    assert.deepEqual(
      found.map((one) => [one?.subKind, one?.sinceAtMost]),
      Array(4).fill(['dependency', true]),
    );
    assert.deepEqual([...new Set(found.map((one) => one?.since))], [found[0]?.since]);
    const env = { ...process.env, HOME: world.home, MCP_RUN_DIR: world.runDir };
    const explain = new RunningCli(process.execPath, bundle, ['explain', `${pid}`, '--json', '--offline'], { cwd: world.home, env });
    const told: { instance: { findings: Finding[] } } = JSON.parse((await explain.ended()).stdout);
    assert.deepEqual([told.instance.findings[0]?.since, told.instance.findings[0]?.sinceAtMost], [found[0]?.since, true]);
  });

  it('keeps its time in every later line of "watch --json"', async () => {
    const pid = await start();
    const env = { ...process.env, HOME: world.home, MCP_RUN_DIR: world.runDir };
    const watch = new RunningCli(process.execPath, bundle, ['watch', '--json', '--offline'], { cwd: world.home, env });
    const lines = (): Snapshot[] =>
      watch.stdout
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line));
    const findingIn = (snapshot: Snapshot | undefined): Finding | undefined =>
      snapshot?.instances.find((one) => one.tree.includes(pid))?.findings[0];
    try {
      await watch.until(() => lines().some(({ instances }) => instances.some((one) => one.tree.includes(pid))));
      remove();
      await watch.until(() => findingIn(lines().at(-1)) !== undefined);
      for (const name of ['one', 'two', 'three']) {
        // Each entry makes the program scan, and its line shows that it has.
        world.write('.cursor/mcp.json', { mcpServers: { [name]: { command: 'nothing' } } });
        await watch.until(
          () =>
            lines()
              .at(-1)
              ?.definitions.some((definition) => definition.name === name) === true,
        );
      }
    } finally {
      watch.child.kill('SIGINT');
      await watch.ended();
    }
    const seen = lines().flatMap((one) => findingIn(one)?.since ?? []);
    assert.ok(seen.length >= 4, 'the line of the finding, and one of each entry');
    assert.equal(new Set(seen).size, 1, seen.join());
  });
});
