import { equal } from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { silentLog } from '../../../src/base/log.ts';
import type { Instance } from '../../../src/model/snapshot.ts';
import type { Surveyor } from '../../../src/survey/surveyor.ts';
import { withoutContradiction } from '../../../src/survey/withoutContradiction.ts';
import { faultsInLogs, faultsOf, reportedFaults, watchSurveys } from '../../everySnapshot.ts';

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

  it('of a built program is looked at by what it prints, and of an editor by its logs', () => {
    const instance = {
      pid: 7,
      package: { ecosystem: 'npm', name: 'tiny', root: '/r', running: '1.0.0', installed: '1.1.0' },
      findings: [],
    };
    const logged: string[] = [];
    const log = { ...silentLog, error: (line: string) => logged.push(line) };
    const { fault } = withoutContradiction(instance as unknown as Instance, false, log);
    equal(reportedFaults(`one line\n${JSON.stringify({ problems: [fault] })}\n`).length, 1);
    const folder = mkdtempSync(join(tmpdir(), 'logs-'));
    try {
      mkdirSync(join(folder, 'window1'));
      writeFileSync(join(folder, 'window1', 'MCP Shepherd.log'), `2026-11-24 info\n2026-11-24 error ${logged.join('\n')}\n`);
      equal(faultsInLogs(folder).length, 1);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
