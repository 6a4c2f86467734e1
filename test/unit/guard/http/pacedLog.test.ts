import { deepEqual, equal } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { silentLog } from '../../../../src/base/log.ts';
import { pacedLog } from '../../../../src/guard/http/pacedLog.ts';
import { assertNames } from '../../../names.ts';

describe('the log of guard --http', () => {
  it('grows by at most 30 lines a minute because of requests, and says how many were left out', () => {
    const lines: string[] = [];
    let now = 0;
    const write = (line: string): void => void lines.push(line);
    const log = pacedLog({ ...silentLog, info: write, warn: write }, () => now);
    for (let index = 0; index < 1_000; index += 1) {
      log.info(`line ${index}`);
    }
    equal(lines.length, 30);
    now = 60_000;
    log.warn('next');
    equal(lines.length, 32);
    assertNames(lines[30] ?? '', '970');
    now = 120_000;
    log.warn('last');
    deepEqual(lines.slice(31), ['next', 'last']);
  });
});
