import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { count, countsLine, details, type TestOutcome } from '../../../scripts/suites/outcome.ts';
import { processNamespace } from '../../../scripts/suites/processNamespace.ts';
import { runSuite } from '../../../scripts/suites/runSuite.ts';
import { projectRoot } from '../../../scripts/system/projectPaths.ts';
import { assertNames } from '../../names.ts';

const suite = `
describe('sheep', () => {
  it('bleat', () => {});
  it('fly', () => { throw new Error('too heavy'); });
  it('swim', function () { console.log('no water here'); this.skip(); });
  it('is only an idea');
  describe('at night', () => {
    before(function () { console.log('it is day'); this.skip(); });
    it('sleep', () => {});
  });
  describe('in fog', () => {
    before(() => { throw new Error('nothing to see'); });
    it('gather', () => {});
  });
  it('dream', () => { setInterval(() => {}, 1000); });
});`;

describe('A mocha run of our own', function () {
  this.timeout(120_000);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mocha-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  function run(file: string): { code: number | null; errors: string; outcomes: () => TestOutcome[] } {
    const result = join(folder, 'result.json');
    const child = spawnSync(process.execPath, [join(projectRoot, 'scripts/suites/mochaChild.ts'), result, file], { encoding: 'utf8' });
    return { code: child.status, errors: child.stderr, outcomes: () => JSON.parse(readFileSync(result, 'utf8')) };
  }

  it('tells what became of every test, with errors and reasons, and ends although a test left a timer', () => {
    const file = join(folder, 'sheep.test.cjs');
    writeFileSync(file, suite);
    const { code, errors, outcomes } = run(file);
    assert.equal(code, 1);
    assertNames(errors, 'left open:', 'Timeout');
    const tests = outcomes();
    assert.equal(countsLine(count([{ name: 'x', tests, seconds: 0 }])), '2 passed, 2 failed, 3 skipped');
    const find = (title: string): TestOutcome | undefined => tests.find((test) => test.title.includes(title));
    assertNames(find('fly')?.error, 'too heavy');
    assertNames(find('in fog')?.error, 'nothing to see');
    assert.equal(find('swim')?.reason, 'no water here');
    assert.equal(find('at night')?.reason, 'it is day');
    assert.equal(find('an idea')?.reason, undefined);
    const printed = details({ name: 'x', tests, seconds: 0 }).join('\n');
    assert.match(printed, /FAILED x: sheep fly\n {4}Error: too heavy/);
    assert.match(printed, /skipped x: sheep swim\n {4}no water here/);
  });

  it('leaves no result when a file does not load', () => {
    const file = join(folder, 'broken.test.cjs');
    writeFileSync(file, 'this is not JavaScript');
    const { code, errors, outcomes } = run(file);
    assert.notEqual(code, 0);
    assertNames(errors, 'SyntaxError');
    assert.throws(outcomes, /ENOENT/);
  });

  for (const [twice, kind, counts, first] of [
    ['any', 'fails once', '1 passed, 0 failed, 0 skipped', 1],
    ['any', 'fails always', '0 passed, 1 failed, 0 skipped', 0],
    ['late', 'is late once', '1 passed, 0 failed, 0 skipped', 1],
    ['late', 'waits in vain once', '1 passed, 0 failed, 0 skipped', 1],
    ['late', 'fails once', '0 passed, 1 failed, 0 skipped', 0],
    [undefined, 'fails once', '0 passed, 1 failed, 0 skipped', 0],
    [undefined, 'is late once', '0 passed, 1 failed, 0 skipped', 0],
  ] as const) {
    it(`a file that ${kind}, in a suite that runs ${twice ?? 'no'} such file again: ${counts}`, async () => {
      const mark = JSON.stringify(join(folder, 'mark'));
      const waiting = JSON.stringify(join(projectRoot, 'scripts/system/waitFor.ts'));
      const fails = kind === 'fails always' ? 'true' : `!fs.existsSync(${mark})`;
      const how = {
        'is late once': 'await new Promise(() => {})',
        'waits in vain once': `await waitFor('the moon', () => false, { limit: 1 })`,
        'fails once': `throw new Error('hidden')`,
        'fails always': `throw new Error('hidden')`,
      }[kind];
      writeFileSync(
        join(folder, 'window.test.ts'),
        `import fs from 'node:fs';
        import { waitFor } from ${waiting};
        it('opens', async () => { if (${fails}) { fs.writeFileSync(${mark}, ''); ${how}; } }).timeout(${kind === 'is late once' ? 500 : 20_000});`,
      );
      const outcome = await runSuite(
        {
          name: 'windows',
          stage: 'screen',
          kind: 'tests',
          child: 'mochaChild.ts',
          arguments: [],
          folder: relative(projectRoot, folder),
          namespace: false,
          lanes: 2,
          ...(twice ? { twice } : {}),
          limit: 30_000,
        },
        [],
        processNamespace(),
      );
      assert.equal(countsLine(count([outcome])), counts);
      const printed = details(outcome).filter((line) => line.startsWith('FAILED IN THE FIRST'));
      assert.equal(printed.length, first);
    });
  }
});
