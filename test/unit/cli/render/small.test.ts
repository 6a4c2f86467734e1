import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createPaint, wantsColor } from '../../../../src/cli/render/paint.ts';
import { headline, instanceState, renderStatusLine } from '../../../../src/cli/render/stateWords.ts';
import { jsonText, viewWidth } from '../../../../src/cli/terminal.ts';
import { agentStatus } from '../../../../src/mcp/agentAnswers.ts';
import type { Finding } from '../../../../src/model/finding.ts';
import type { Instance } from '../../../../src/model/snapshot.ts';
import { assertNames, assertOmits } from '../../../names.ts';
import { busySnapshot, definition, finding, instance, snapshot } from '../fixture.ts';

describe('the short words for what is stale', () => {
  const running = { ecosystem: 'npm', name: 'shop', root: '/p', running: '2.0.0', installed: '1.0.0' } as const;
  const state = (part: Partial<Finding>, more: Partial<Instance> = {}): readonly unknown[] => {
    const { words, notes } = instanceState(
      instance({ name: 'shop', pid: 1, package: running, findings: [finding({ kind: 'stale', ...part })], ...more }),
    );
    return [words, notes];
  };

  it('label a downgrade', () => {
    const older = { package: { ...running, direction: 'downgrade' } } as const;
    assert.deepEqual(state({ subKind: 'package' }, older), ['stale: runs 2.0.0, installed 1.0.0 (downgrade)', []]);
    const change = { name: 'lib', running: '2.1.0', installed: '2.0.0', direction: 'downgrade' } as const;
    assert.deepEqual(state({ subKind: 'dependency' }, { package: { ...running, installed: '2.0.0' }, changedDependencies: [change] }), [
      'stale: lib 2.1.0 → 2.0.0 (downgrade)',
      [],
    ]);
  });

  it('never tell of versions where the source, the interpreter or the program is what changed', () => {
    for (const subKind of ['source', 'interpreter', 'binary', 'content'] as const) {
      assert.deepEqual(state({ subKind, message: 'its own sentence' }), ['stale', ['its own sentence']], subKind);
    }
  });
});

describe('the headline', () => {
  it('counts servers once per kind, and never what is unknown or information', () => {
    // The wording is in the golden files of the status table.
    assert.equal(headline(busySnapshot()).alarms, 3);
    const quiet = snapshot({
      instances: [
        instance({
          name: 'a',
          pid: 1,
          findings: [finding({ kind: 'stale', confidence: 'unknown' }), finding({ kind: 'update-available' })],
        }),
      ],
      definitions: [definition({ name: 'b', findings: [finding({ kind: 'config-changed' })] })],
    });
    assert.equal(headline(quiet).alarms, 0);
    assert.equal(headline(snapshot()).alarms, 0);
  });

  it('never says that all is well where something is not known', () => {
    const own = { ecosystem: 'npm', name: 'a', root: '/p', running: '1.0.0', installed: '1.0.0' } as const;
    const undecided = instance({ name: 'a', pid: 1, package: own, unknown: 'server.js was written after it started' });
    const given = snapshot({ instances: [undecided, instance({ name: 'b', pid: 2, package: own })] });
    const { text, alarms } = headline(given);
    assert.equal(alarms, 0);
    assertNames(text, '1 unknown');
    assertOmits(text, 'wrong');
    assert.equal(renderStatusLine(given), 'MCP: 2 running, 1 unknown\n');
    for (const unknown of ['short', 'long '.repeat(40)]) {
      const { words } = instanceState({ ...undecided, unknown });
      assertNames(words, 'unknown');
      assertOmits(words, 'ok');
    }
    assertNames(String(agentStatus(given).summary), '1 unknown');
  });

  it('counts what is wrong with an entry', () => {
    const given = snapshot({ definitions: [definition({ name: 'a', findings: [finding({ kind: 'files-gone' })] })] });
    assert.equal(headline(given).alarms, 1);
  });
});

describe('colour', () => {
  const tty = { noColor: false, isTty: true, env: {} };
  it('follows flag, variables and terminal, in this order', () => {
    assert.equal(wantsColor(tty), true);
    assert.equal(wantsColor({ ...tty, isTty: false }), false);
    assert.equal(wantsColor({ ...tty, env: { NO_COLOR: '1' } }), false);
    assert.equal(wantsColor({ ...tty, env: { NO_COLOR: '' } }), true);
    assert.equal(wantsColor({ ...tty, env: { TERM: 'dumb' } }), false);
    assert.equal(wantsColor({ ...tty, isTty: false, env: { FORCE_COLOR: '1', NO_COLOR: '1' } }), true);
    assert.equal(wantsColor({ ...tty, env: { FORCE_COLOR: '0' } }), false);
    assert.equal(wantsColor({ noColor: true, isTty: true, env: { FORCE_COLOR: '1' } }), false);
  });

  it('is there only when wanted', () => {
    assert.equal(createPaint(false)('bad', 'x'), 'x');
    assert.equal(createPaint(true)('plain', 'x'), 'x');
    assert.ok(createPaint(true)('bad', 'x').includes('\x1b[31m'));
  });
});

describe('the width', () => {
  const output = (columns: number | undefined) => ({
    isTty: columns !== undefined,
    size: () => (columns ? { columns, rows: 24 } : undefined),
    write() {},
  });
  it('is the terminal, else COLUMNS, else unlimited', () => {
    assert.equal(viewWidth({ stdout: output(80), env: { COLUMNS: '20' } }), 80);
    assert.equal(viewWidth({ stdout: output(5), env: {} }), 30);
    assert.equal(viewWidth({ stdout: output(undefined), env: { COLUMNS: '120' } }), 120);
    assert.equal(viewWidth({ stdout: output(undefined), env: { COLUMNS: 'wide' } }), Number.POSITIVE_INFINITY);
    assert.equal(viewWidth({ stdout: output(undefined), env: {} }), Number.POSITIVE_INFINITY);
  });
});

describe('JSON', () => {
  it('keeps every value and holds nothing that a terminal obeys', () => {
    const value = { name: 'a\x1b[31m\u009b\x7f\u202e\u2028\ufeff日本\u3164\u{e0041}\u{e0100}👩‍👩‍👧\n' };
    const text = jsonText(value);
    assert.deepEqual(JSON.parse(text), value);
    assert.match(text, /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]*\n$/u);
    assert.equal(jsonText({ a: 1 }, 2), '{\n  "a": 1\n}\n');
  });
});
