import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, type Suite } from 'mocha';
import { withoutClientMarks } from '../../../../scripts/system/withoutClientMarks.ts';
import { buildPrograms } from '../../cli/bundle.ts';
import { run } from '../../package/command.ts';
import { makeWorld, type World } from '../../survey/world.ts';

/** What tests with real clients from npm stand on: the programs as they ship, and for each test a world of its own. */
export class RealClientStage {
  #programs = '';
  #bundle = '';
  #world: World | undefined;

  /** Takes part in a group of tests, in the long run only: hundreds of megabytes are fetched once. */
  constructor(suite: Suite) {
    suite.timeout(600_000);
    before(function () {
      if (process.env.TEST_LONG !== '1') {
        console.log('skipped: TEST_LONG=1 gets the real clients from npm');
        this.skip();
      }
    });
    before(async () => {
      this.#programs = mkdtempSync(join(tmpdir(), 'real-clients-'));
      this.#bundle = await buildPrograms(this.#programs);
    });
    after(() => rmSync(this.#programs, { recursive: true, force: true }));
    beforeEach(() => {
      this.#world = makeWorld();
    });
    afterEach(() => this.#world?.remove());
  }

  get world(): World {
    if (!this.#world) {
      throw new Error('There is a world while a test runs.');
    }
    return this.#world;
  }

  /** What a client is started with: it knows nothing of this machine's user. */
  get env(): NodeJS.ProcessEnv {
    const { home, runDir } = this.world;
    return { ...withoutClientMarks(process.env), HOME: home, USERPROFILE: home, MCP_RUN_DIR: runDir, NO_COLOR: '1' };
  }

  /** The command line as it ships. */
  shepherd(...args: readonly string[]): Promise<string> {
    return run(process.execPath, [this.#bundle, ...args], { cwd: this.world.home, env: this.env });
  }
}
