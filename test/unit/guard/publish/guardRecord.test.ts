import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takePublishedLocks } from '../../../../src/guard/http/publishedLocks.ts';
import { parseGuardOptions } from '../../../../src/guard/options/guardOptions.ts';
import { parseHttpOptions } from '../../../../src/guard/options/httpOptions.ts';
import type { ServerProcess } from '../../../../src/guard/process/serverProcess.ts';
import { GuardRecord, initialFacts, ownRedactor, type Versions } from '../../../../src/guard/publish/guardRecord.ts';
import type { HeldInstance, InstanceFacts } from '../../../../src/lock/holdResources.ts';
import type { ProcessStarts } from '../../../../src/lock/processStarts.ts';
import { assertOmits } from '../../../names.ts';

/** Programs whose password stands in an argument without a name: only the program tells that it is one. */
const commands = [
  ['sshpass', '-p', 'S3cretWord', 'ssh', 'db'],
  ['/usr/bin/mysql', '-pS3cretWord', 'shop'],
  ['redis-cli', '-a', 'S3cretWord'],
] as const;

describe('the record of a guard', () => {
  it('names the versions that the newest server has loaded, and never those of the server before it', async () => {
    let published: Partial<InstanceFacts> = {};
    const publish = (facts: Partial<InstanceFacts>): void => {
      published = facts;
    };
    const instance = { record: {}, publish } as unknown as HeldInstance;
    const starts = { startOf: async (pid: number) => `lx:${pid}` } as unknown as ProcessStarts;
    const record = new GuardRecord(instance, starts, assert.fail);
    const [first, second] = [{ pid: 1 }, { pid: 2 }] as [ServerProcess, ServerProcess];
    const own = (version: string): Versions => ({ package: { ecosystem: 'npm', name: 'memory', version } });
    const loaded = new Map<ServerProcess, Versions>([[first, own('1.0')]]);
    const serves = async (...servers: ServerProcess[]): Promise<unknown> => {
      await record.serves(servers, undefined, (server) => loaded.get(server) ?? {});
      return [published.server?.pid, published.package?.version];
    };
    assert.deepEqual(await serves(first), [1, '1.0']);
    assert.deepEqual(await serves(first, second), [2, undefined], 'it has not answered yet');
    assert.deepEqual(await serves(first), [1, '1.0'], 'the new one did not start');
    loaded.set(second, own('1.1'));
    assert.deepEqual(await serves(second), [2, '1.1']);
  });

  it('holds what a client calls itself in one line, with at most 1,024 characters and without secrets', () => {
    let published: Partial<InstanceFacts> = {};
    const publish = (facts: Partial<InstanceFacts>): void => {
      published = facts;
    };
    const instance = { record: { client: { name: 'node', pid: 7 } }, publish } as unknown as HeldInstance;
    const parsed = parseGuardOptions(['--', 'redis-cli', '-a', 'S3cretWord']);
    assert.ok(parsed.status === 'run');
    const record = new GuardRecord(instance, {} as ProcessStarts, assert.fail, ownRedactor(parsed.options));
    record.clientNamed('Cursor', undefined);
    assert.deepEqual(published.client, { name: 'Cursor', pid: 7 }, 'the control');
    record.clientNamed(`a\nb\x1b[31m --token S3cretWord ${'x'.repeat(5_000)}`, '1.0 password=S3cretWord');
    const stated: InstanceFacts['client'] = published.client;
    const { name = '', version = '' } = stated ?? {};
    assertOmits(name + version, 'S3cretWord');
    assert.match(name, /^a b \[31m --token ‹redacted› x{100}/);
    assert.ok(name.length <= 1_024 && version.startsWith('1.0 password='), `${name.length} ${version}`);
  });

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
      assertOmits(JSON.stringify(facts), 'S3cretWord');
      assertOmits(ownRedactor(parsed.options).text('it ended: cannot log in with S3cretWord'), 'S3cretWord');
    });

    it(`holds no password of ${words[0]} behind an HTTP address`, async () => {
      const parsed = parseHttpOptions(['--http', '--listen', '0', '--port-env', 'PORT', '--run-dir', join(folder, 'run'), '--', ...words]);
      assert.ok(parsed.status === 'run', JSON.stringify(parsed));
      const taken = await takePublishedLocks(parsed.options);
      assert.ok(taken.status === 'continue' && taken.held, JSON.stringify(taken));
      const { instance } = taken.held;
      assert.equal(instance.record.launch?.command, words[0]);
      assertOmits(JSON.stringify(instance.record), 'S3cretWord');
      await instance.close();
    });
  }
});
