import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takePublishedLocks } from '../../../../src/guard/http/publishedLocks.ts';
import { parseGuardOptions } from '../../../../src/guard/options/guardOptions.ts';
import { parseHttpOptions } from '../../../../src/guard/options/httpOptions.ts';
import { initialFacts, ownRedactor } from '../../../../src/guard/publish/guardRecord.ts';

/** Programs whose password stands in an argument without a name: only the program tells that it is one. */
const commands = [
  ['sshpass', '-p', 'S3cretWord', 'ssh', 'db'],
  ['/usr/bin/mysql', '-pS3cretWord', 'shop'],
  ['redis-cli', '-a', 'S3cretWord'],
] as const;

describe('the record of a guard', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'guard-record-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const words of commands) {
    it(`holds no password of ${words[0]}`, () => {
      const parsed = parseGuardOptions(['--', ...words]);
      assert.ok(parsed.status === 'run');
      const facts = initialFacts(parsed.options, undefined, undefined);
      assert.equal(facts.launch?.command, words[0], 'the control: the command is in it');
      assert.doesNotMatch(JSON.stringify(facts), /S3cretWord/);
      assert.doesNotMatch(ownRedactor(parsed.options).text('it ended: cannot log in with S3cretWord'), /S3cretWord/);
    });

    it(`holds no password of ${words[0]} behind an HTTP address`, async () => {
      const parsed = parseHttpOptions(['--http', '--listen', '0', '--port-env', 'PORT', '--run-dir', join(folder, 'run'), '--', ...words]);
      assert.ok(parsed.status === 'run', JSON.stringify(parsed));
      const taken = await takePublishedLocks(parsed.options);
      assert.ok(taken.status === 'continue' && taken.held, JSON.stringify(taken));
      const { instance } = taken.held;
      assert.equal(instance.record.launch?.command, words[0]);
      assert.doesNotMatch(JSON.stringify(instance.record), /S3cretWord/);
      await instance.close();
    });
  }
});
