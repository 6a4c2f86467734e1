import assert from 'node:assert/strict';
import type { ProcessRow } from '../../../../src/model/process.ts';
import { memoByCommandLine } from '../../../../src/process/commandline/memoByCommandLine.ts';

describe('byWords', () => {
  const argv = ['node', 'server.js'];
  const row = (over: Partial<ProcessRow> = {}): ProcessRow => ({
    identity: { bootId: 'b', pidNamespace: 'n', pid: 5, start: 'lx:5' },
    pid: 5,
    ppid: 1,
    startedAt: 5,
    startErrorMs: 0,
    name: 'node',
    argv,
    argvExact: true,
    commandLine: argv.join(' '),
    rssBytes: 0,
    state: 'S',
    ...over,
  });

  it('asks once while the words are the same object, and again for others', () => {
    let asked = 0;
    const answer = memoByCommandLine(({ commandLine }) => {
      asked += 1;
      return commandLine;
    });
    answer(row());
    answer(row({ rssBytes: 9 }));
    assert.equal(asked, 1, 'the next list has another row with the same words');
    assert.equal(answer(row({ commandLine: 'a title' })), 'a title');
    assert.equal(asked, 2);
    answer(row({ commandLine: 'a title', argvExact: false }));
    answer(row({ argv: [...argv] }));
    assert.equal(asked, 4);
  });
});
