import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { problemsMessage } from '../../../../src/extension/display/problemLog.ts';
import { stillOld, summaryText } from '../../../../src/extension/window/outcomeText.ts';
import { assertNames } from '../../../names.ts';
import { here, instance, stale } from '../samples.ts';

const restarted = { kind: 'restarted', before: stale(), after: instance({ pid: 4805 }), leftBehind: false } as const;
const failed = { kind: 'failed', reason: 'memory did not end.' } as const;

describe('The result of an action', () => {
  it('has a warning when the server came back with the old version', () => {
    assert.equal(stillOld(restarted), undefined);
    assertNames(stillOld({ ...restarted, after: stale({ pid: 4805 }) }), '1.0.0', '1.1.0');
    assert.equal(stillOld(failed), undefined);
  });

  it('is summed up with the reasons of failures', () => {
    assertNames(summaryText([restarted, failed, restarted]), '2 of 3', 'memory');
  });
});

describe('The message above the rows', () => {
  it('is there only when something could not be read', () => {
    assert.equal(problemsMessage([], here.home), undefined);
  });
});
