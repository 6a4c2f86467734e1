import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { changeLines, essence } from '../../../../src/cli/render/changes.ts';
import { faceOf } from '../../../../src/survey/publishedSnapshot.ts';
import { busySnapshot, client, finding, instance, snapshot } from '../fixture.ts';
import { assertGolden } from '../golden.ts';

describe('change lines', () => {
  const owner = client('vscode', 'VS Code', 10);
  const versions = { ecosystem: 'npm', name: 'a', root: '/', running: '1.0.0' } as const;
  const fresh = instance({ name: 'a', pid: 1, client: owner, package: { ...versions, installed: '1.0.0' } });
  const stale = { ...fresh, package: { ...versions, installed: '1.1.0' }, findings: [finding({ kind: 'stale' })] };
  const strip = (lines: readonly string[]): string[] => lines.map((line) => line.replace('2026-11-21T14:02:05.000Z ', ''));

  it('of the first scan name every server and every finding', () =>
    assertGolden('watch-first', `${changeLines(undefined, busySnapshot()).join('\n')}\n`));

  it('tell start, trouble, cure and end, each once', () => {
    const empty = snapshot();
    const one = snapshot({ instances: [fresh] });
    const two = snapshot({ instances: [stale] });
    assert.deepEqual(strip(changeLines(empty, one)), ['+ a (PID 1), VS Code (PID 10)']);
    assert.deepEqual(strip(changeLines(one, two)), ['! a (PID 1) stale: runs 1.0.0, installed 1.1.0']);
    assert.deepEqual(strip(changeLines(two, one)), ['= a (PID 1) ok']);
    assert.deepEqual(strip(changeLines(one, empty)), ['- a (PID 1) ended']);
    assert.deepEqual(changeLines(two, two), []);
  });

  it('take a reused PID for another server', () => {
    const other = { ...fresh, id: 'boot:4026531836:1:lx:999' };
    const lines = strip(changeLines(snapshot({ instances: [fresh] }), snapshot({ instances: [other] })));
    assert.deepEqual(lines, ['+ a (PID 1), VS Code (PID 10)', '- a (PID 1) ended']);
  });

  it('tell a problem once', () => {
    const broken = snapshot({ problems: [{ source: 'config', message: 'bad\n', file: '/f', line: 2 }] });
    assert.deepEqual(strip(changeLines(snapshot(), broken)), ['? /f:2: bad\\n']);
    assert.deepEqual(changeLines(broken, broken), []);
  });

  it('do not come from time and memory', () => {
    const at = (minutes: number, kind: 'runaway' | 'stale' = 'runaway') => ({
      ...snapshot({
        instances: [
          {
            ...fresh,
            memoryBytes: minutes,
            treeMemory: [minutes],
            listens: { port: 1, health: { status: 'ok', uptimeSeconds: minutes } },
            findings: [{ kind, confidence: 'likely', message: `for ${minutes} minutes`, evidence: [], since: 'then', actions: [] }],
          },
        ],
      }),
      at: `2026-11-21T15:0${minutes}:00.000Z`,
    });
    assert.equal(essence(at(1)), essence(at(2)));
    assert.equal(
      faceOf(at(1)),
      faceOf({ ...at(2), instances: at(1).instances.map((one) => ({ ...one, treeMemory: [2], memoryBytes: 2 })) }),
    );
    assert.notEqual(essence(at(1, 'stale')), essence(at(2, 'stale')));
    assert.notEqual(essence(at(1)), essence(at(1, 'stale')));
    assert.notEqual(essence(snapshot({ instances: [fresh] })), essence(snapshot({ instances: [stale] })));
    const large = snapshot({ instances: [{ ...fresh, treeMemory: [2 ** 30] }] });
    assert.notEqual(faceOf(large), faceOf(snapshot({ instances: [fresh] })), 'the views show memory');
  });
});
