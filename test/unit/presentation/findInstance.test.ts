import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { searchFailure } from '../../../src/cli/render/searchView.ts';
import { findInstance } from '../../../src/presentation/findInstance.ts';
import { busySnapshot, definition, fixtureNow, instance, snapshot } from '../cli/fixture.ts';
import { assertGolden } from '../cli/golden.ts';

function pidOf(asked: string, given = busySnapshot()): number | string {
  const result = findInstance(given, asked);
  return result.kind === 'found' ? result.instance.pid : result.kind;
}

function failure(asked: string, given = busySnapshot()): string {
  const result = findInstance(given, asked);
  assert.notEqual(result.kind, 'found');
  const { message, hint } = searchFailure(asked, result as Exclude<typeof result, { kind: 'found' }>, fixtureNow);
  return `${message}\n${hint}`;
}

describe('finding the server that is meant', () => {
  it('by PID, name, package and beginning of the name', () => {
    assert.equal(pidOf('4801'), 4801);
    assert.equal(pidOf('everything'), 4801);
    assert.equal(pidOf('EVERYTHING'), 4801);
    assert.equal(pidOf('every'), 4801);
    assert.equal(pidOf('@modelcontextprotocol/server-everything'), 4801);
  });

  it('by the PID of a launcher or child, its own PID first', () => {
    const given = snapshot({
      instances: [instance({ name: 'a', pid: 10, tree: [10, 9, 11] }), instance({ name: 'b', pid: 11, tree: [11] })],
    });
    assert.equal(pidOf('9', given), 10);
    assert.equal(pidOf('11', given), 11);
  });

  it('takes an exact name for what it is, even when others begin with it or it looks like a number', () => {
    const given = snapshot({
      instances: [instance({ name: 'git', pid: 1 }), instance({ name: 'github', pid: 2 }), instance({ name: '7', pid: 3 })],
    });
    assert.equal(pidOf('git', given), 1);
    assert.equal(pidOf('7', given), 3);
    assert.equal(pidOf('gi', given), 'ambiguous');
    assert.equal(pidOf('', given), 'none');
  });

  it('does not take another server when the configured one does not run', () => {
    const given = snapshot({ definitions: [definition({ name: 'git' })], instances: [instance({ name: 'github', pid: 2 })] });
    assert.equal(pidOf('git', given), 'not-running');
  });

  it('says why nothing was found', () => {
    assertGolden(
      'restart-failures',
      ['chroma', 'mem', 'postgres', 'github', 'everythnig', '99999', 'zzz\x1b'].map((asked) => `${failure(asked)}\n`).join('\n'),
    );
  });
});
