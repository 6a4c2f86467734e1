import { equal } from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Surveyor } from '../../../src/survey/surveyor.ts';
import { faultsOf, watchSurveys } from '../../everySnapshot.ts';

describe('every snapshot of a test', () => {
  it('is looked at: a planted contradiction, and one that the surveyor had to correct, are found', async () => {
    const planted = { package: { ecosystem: 'npm', name: 'tiny', root: '/r', running: '1.0.0', installed: '1.1.0' }, findings: [] };
    const snapshot = { instances: [planted], problems: [] } as unknown as Parameters<typeof faultsOf>[0];
    equal(faultsOf(snapshot).length, 1);
    equal(faultsOf({ instances: [], problems: [{ source: 'verdict', message: 'x' }] }).length, 1);
    equal(faultsOf({ instances: [], problems: [{ source: 'facts', message: 'x' }] }).length, 0);
    class Planted {
      async survey(): Promise<unknown> {
        return snapshot;
      }
    }
    const found: string[] = [];
    watchSurveys(new Planted() as unknown as Surveyor, found);
    await new Planted().survey();
    equal(found.length, 1);
  });
});
