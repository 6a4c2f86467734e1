import { deepEqual, equal } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { silentLog } from '../../../src/base/log.ts';
import type { Ecosystem } from '../../../src/model/package.ts';
import type { Instance } from '../../../src/model/snapshot.ts';
import { withoutContradiction } from '../../../src/survey/withoutContradiction.ts';

const shown = (ecosystem: Ecosystem, running: string, installed: string, inPlace = false) => {
  const instance = { pid: 7, package: { ecosystem, name: 'tiny', root: '/r', running, installed }, findings: [] } as unknown as Instance;
  const { instance: checked, fault } = withoutContradiction(instance, inPlace, silentLog);
  return { versions: [checked.package?.running, checked.package?.installed], unknown: checked.unknown !== undefined, fault: fault?.source };
};

describe('an instance with two versions and no finding', () => {
  it('shows two spellings of one version as one', () => {
    deepEqual(shown('python', '1.0', '1.0.0'), { versions: ['1.0', '1.0'], unknown: false, fault: undefined });
    deepEqual(shown('npm', 'v1.0.0', '1.0.0'), { versions: ['v1.0.0', 'v1.0.0'], unknown: false, fault: undefined });
  });

  it('is unknown, and reported as a fault, where the versions differ, also in build metadata alone', () => {
    for (const installed of ['1.1.0', '1.0.0+b', 'nightly']) {
      deepEqual(shown('npm', '1.0.0', installed), { versions: [null, installed], unknown: true, fault: 'verdict' });
    }
  });

  it('is unknown, and no fault, where its source is used in place', () => {
    equal(shown('npm', '1.0.0', '1.1.0', true).fault, undefined);
    equal(shown('npm', '1.0.0', '1.1.0', true).unknown, true);
  });
});
