import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assertNames } from '../../../names.ts';
import { until } from '../../../until.ts';
import { buildCli, type Ended, RunningCli } from '../../cli/bundle.ts';
import { findPython } from '../../package/pythonWheels.ts';
import { freePort, imitation } from '../../survey/ports/httpServer.ts';
import { clearPort, listenersOf } from './ensureWorld.ts';

const isLong = process.env.TEST_LONG === '1';
const hook = join(import.meta.dirname, '..', '..', 'stepsOf.cjs');

/** The imitation, which listens once a second one of it has started; that one finds the port taken. */
const late = `import os, runpy, socket, sys, time
folder = os.path.dirname(os.path.abspath(__file__))
try:
    os.mkdir(folder + '/first')
    while not os.path.exists(folder + '/second'):
        time.sleep(0.02)
except FileExistsError:
    os.mkdir(folder + '/second')
    while socket.socket().connect_ex(('127.0.0.1', int(sys.argv[1]))) != 0:
        time.sleep(0.02)
runpy.run_path(${JSON.stringify(imitation)}, run_name='__main__')
`;

describe('mcp-shepherd ensure, killed', function () {
  this.timeout(isLong ? 1_800_000 : 300_000);
  let program = '';
  let bundle = '';
  let folder = '';
  let port = 0;

  before(async function () {
    if (process.platform !== 'linux' || !(await findPython())) {
      console.log('skipped: ensure is tried with /proc and python3');
      this.skip();
    }
    program = realpathSync(mkdtempSync(join(tmpdir(), 'killed-ensure-')));
    bundle = await buildCli(program);
  });
  beforeEach(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'killed-ensure-')));
    port = await freePort();
  });
  afterEach(async () => {
    await clearPort(port);
    rmSync(folder, { recursive: true, force: true });
  });
  after(() => rmSync(program, { recursive: true, force: true }));

  const run = (): string => join(folder, 'run');
  const env = (): NodeJS.ProcessEnv => ({ PATH: process.env.PATH, HOME: folder, MCP_RUN_DIR: run() });
  const cli = (cwd: string, ...args: readonly string[]): Promise<Ended> =>
    new RunningCli(process.execPath, bundle, args, { cwd, env: env() }).ended();

  function setting(version: string, script = imitation): void {
    const args = [script, '{port}', '--version', version];
    const server = { url: `http://127.0.0.1:${port}/mcp`, version, command: 'python3', args };
    writeFileSync(join(folder, 'mcp-shepherd.json'), JSON.stringify({ servers: { notes: server } }));
  }

  /** @returns the name of the step at which it was killed; undefined when it ended by itself */
  async function killedAt(step: string | number): Promise<string | undefined> {
    const log = join(folder, 'step');
    rmSync(log, { force: true });
    const hooked = { ...env(), AT_STEP: String(step), STEP_LOG: log, STEP_FOLDER: run() };
    const child = spawn(process.execPath, ['--require', hook, bundle, 'ensure', 'notes', '--yes'], {
      cwd: folder,
      env: hooked,
      stdio: 'ignore',
    });
    const [, signal] = await once(child, 'exit');
    return signal === 'SIGKILL' ? readFileSync(log, 'utf8') : undefined;
  }

  /** The next one has the wanted server, every program shows it, and no file is half written. */
  async function next(step: string, version: string): Promise<void> {
    const { code, stdout, stderr } = await cli(folder, 'ensure', 'notes', '--yes', '--json');
    assert.equal(code, 0, `${step}: ${stdout}${stderr}`);
    const result = JSON.parse(stdout);
    assert.equal(result.version, version, step);
    assert.deepEqual(await listenersOf(port), [result.pid], step);
    const elsewhere = join(folder, 'elsewhere');
    mkdirSync(elsewhere, { recursive: true });
    const { instances } = JSON.parse((await cli(elsewhere, 'status', '--json')).stdout);
    assert.ok(
      instances.some(({ pid }: { pid: number }) => pid === result.pid),
      `${step}: not shown elsewhere`,
    );
    for (const file of readdirSync(run(), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'))) {
      assert.doesNotThrow(() => JSON.parse(readFileSync(join(run(), file), 'utf8')), `${step}: ${file}`);
    }
  }

  it('before the server listens: the next one uses that server, also where it listens only after a second one was started', async () => {
    const script = join(folder, 'late.py');
    writeFileSync(script, late);
    setting('1.0.0', script);
    assertNames(await killedAt('after spawn python3'), 'python3');
    await until('the server has started', () => readdirSync(folder).includes('first'));
    await next('before it listens', '1.0.0');
  });

  it('before it has noted the server: the next one notes it', async () => {
    setting('1.0.0');
    assertNames(await killedAt(`half writeFileSync ${join(run(), 'shepherd', 'ensured')}`), 'ensured');
    await next('before it is noted', '1.0.0');
  });

  (isLong ? it : () => undefined)(
    'at each step of a start and of a replacement: the next one does it, and nothing is half written',
    async () => {
      for (const version of ['1.0.0', '2.0.0']) {
        let steps = 0;
        for (; ; steps += 1) {
          await clearPort(port);
          rmSync(run(), { recursive: true, force: true });
          if (version === '2.0.0') {
            setting('1.0.0');
            await next('before', '1.0.0');
          }
          setting(version);
          const step = await killedAt(steps + 1);
          if (step === undefined) {
            break;
          }
          await next(step, version);
        }
        console.log(`      ${version}: ${steps} steps`);
        assert.ok(steps > 20);
      }
    },
  );
});
