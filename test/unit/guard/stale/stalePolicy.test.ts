import { deepEqual, equal } from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { CodeState, DriftedPackage } from '../../../../src/guard/stale/codeDrift.ts';
import type { ToolKind } from '../../../../src/guard/stale/knownTools.ts';
import { allowsStale, needsCheck, type Ruling, readsPass, ruleCall } from '../../../../src/guard/stale/stalePolicy.ts';
import { type StaleMode, staleModeNames } from '../../../../src/model/staleMode.ts';

const drift = (how: DriftedPackage['how'] = 'upgrade', replacing = false): CodeState => ({
  state: 'changed',
  packages: [{ name: 'lib', serving: '1', installed: '2', how }],
  unreadable: [],
  replacing,
});
const kinds: readonly ToolKind[] = ['read', 'write', 'unknown', 'absent'];
const rulings = (policy: StaleMode, state: CodeState, asked = false): Ruling['ruling'][] =>
  kinds.map((kind) => ruleCall(policy, kind, asked, state).ruling);

describe('ruleCall', () => {
  it('A25 is a matrix of policies and tools (read, write, unknown, absent)', () => {
    deepEqual(rulings('off', drift()), ['pass', 'pass', 'pass', 'pass']);
    deepEqual(rulings('warn', drift()), ['pass', 'pass', 'pass', 'pass']);
    deepEqual(rulings('refuse-writes', drift()), ['pass', 'refuse', 'ask-tools', 'pass']);
    deepEqual(rulings('refuse-writes', drift('source')), ['pass', 'refuse', 'ask-tools', 'pass']);
    deepEqual(rulings('refuse-writes', drift(), true), ['pass', 'refuse', 'refuse', 'pass']);
    deepEqual(rulings('refuse', drift()), ['refuse', 'refuse', 'refuse', 'pass']);
    deepEqual(rulings('restart', drift()), ['restart', 'restart', 'restart', 'pass']);
  });

  it('with auto restarts to newer versions before any call, and is refuse-writes where it does not restart', () => {
    deepEqual(rulings('auto', drift()), ['restart', 'restart', 'restart', 'pass']);
    deepEqual(rulings('auto', drift('upgrade', true)), ['pass', 'wait', 'wait', 'pass'], 'reads do not wait for an installer');
    for (const how of ['downgrade', 'removed', 'changed', 'reinstalled', 'source'] as const) {
      deepEqual(rulings('auto', drift(how)), rulings('refuse-writes', drift(how)), how);
    }
    deepEqual(
      kinds.map((kind) => ruleCall('auto', kind, false, drift(), false).ruling),
      rulings('refuse-writes', drift()),
    );
    deepEqual([readsPass('auto'), readsPass('refuse-writes'), readsPass('restart'), readsPass('refuse')], [true, true, false, false]);
  });

  it('passes everything that is not proven to have changed', () => {
    for (const policy of staleModeNames) {
      for (const state of [
        { state: 'unchanged', unreadable: [] },
        { state: 'unreadable', reason: 'x', unreadable: ['lib'] },
      ] as const) {
        deepEqual(rulings(policy, state), ['pass', 'pass', 'pass', 'pass'], `${policy} ${state.state}`);
      }
    }
  });

  it('A31 never restarts automatically to an older version, an edited source or a removed package, and not during an installation', () => {
    deepEqual(rulings('restart', drift('downgrade'))[1], 'refuse');
    deepEqual(rulings('restart', drift('removed'))[1], 'refuse');
    deepEqual(rulings('restart', drift('reinstalled'))[1], 'restart');
    deepEqual(rulings('restart', drift('upgrade', true))[1], 'wait');
    const edited: CodeState = {
      state: 'changed',
      packages: [
        { name: 'srv', serving: '1', installed: '2', how: 'source' },
        { name: 'lib', serving: '1', installed: '2', how: 'upgrade' },
      ],
      unreadable: [],
      replacing: false,
    };
    const ruled = ruleCall('restart', 'write', false, edited);
    deepEqual(ruled.ruling === 'refuse' && ruled.packages.map(({ name }) => name), ['srv', 'lib']);
  });

  it('A12 reads no file for a reading call where such calls are never refused', () => {
    const checked = (policy: StaleMode): boolean[] => kinds.map((kind) => needsCheck(policy, kind));
    deepEqual(checked('refuse-writes'), [false, true, true, false]);
    deepEqual(checked('warn'), [false, true, true, false]);
    deepEqual(checked('refuse'), [true, true, true, false]);
    deepEqual(checked('off'), [false, false, false, false]);
  });

  it('A22 is opened by 1, true, yes and on alone', () => {
    for (const value of ['1', 'true', 'YES', ' on ']) {
      equal(allowsStale({ MCP_SHEPHERD_ALLOW_STALE: value }), true, value);
    }
    for (const value of ['', '0', 'false', 'no', 'off', '2', 'enabled', undefined]) {
      equal(allowsStale({ MCP_SHEPHERD_ALLOW_STALE: value }), false, String(value));
    }
  });
});
