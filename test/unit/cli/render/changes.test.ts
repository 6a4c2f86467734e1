import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { changeLines, essence } from '../../../../src/cli/render/changes.ts';
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
    const later = { ...snapshot({ instances: [{ ...fresh, memoryBytes: 5 }] }), at: '2026-11-21T15:00:00.000Z' };
    assert.equal(essence(snapshot({ instances: [fresh] })), essence(later));
    assert.notEqual(essence(snapshot({ instances: [fresh] })), essence(snapshot({ instances: [stale] })));
  });
});
