import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'mocha';
import { waitFor } from '../../../../scripts/system/waitFor.ts';
import { identityKey } from '../../../../src/model/process.ts';
import type { Instance } from '../../../../src/model/snapshot.ts';
import { ProcTable } from '../../../../src/process/linux/procTable.ts';
import { readVitalSigns } from '../../../../src/process/processActivity.ts';
import { lookForLife } from '../../../../src/survey/facts/activityReport.ts';
import { LastReadTimes } from '../../../../src/survey/facts/lastReadTimes.ts';
import { client, instance } from '../../../unit/cli/fixture.ts';
import { Children, firstLine, rowOf, until } from '../../process/children.ts';

const table = new ProcTable();
const hourMs = 3_600_000;
/** Reads what it is sent; says so once. */
const reader = "process.stdin.once('data', () => console.log('read')); process.stdin.resume();";

describe('signs of life of servers whose clients live', function () {
  this.timeout(60_000);
  const children = new Children();
  let runDir = '';
  before(function () {
    if (process.platform !== 'linux') {
      console.log('skipped: only Linux tells what a process has read');
      this.skip();
    }
    runDir = mkdtempSync(join(tmpdir(), 'life-'));
  });
  afterEach(() => children.end());
  after(() => runDir && rmSync(runDir, { recursive: true, force: true }));

  const seen = async (name: string, pid: number): Promise<Instance> => ({
    ...instance({ name, pid }),
    id: identityKey((await rowOf(table, pid)).identity),
    client: client('claude-code', 'Claude Code', process.pid),
  });

  it('B16: tells apart who reads, who does not, and who is stopped; sockets and pipes', async function () {
    if (!existsSync('/usr/bin/ss') && !existsSync('/bin/ss')) {
      console.log('skipped: there is no ss(8)');
      this.skip();
    }
    const healthy = await children.start(process.execPath, ['-e', reader], { stdio: ['pipe', 'pipe', 'inherit'] });
    healthy.stdin?.write('{"jsonrpc":"2.0"}\n');
    assert.equal(await firstLine(healthy), 'read');
    const wedged = await children.start('sleep', ['600'], { stdio: ['pipe', 'ignore', 'ignore'] });
    wedged.stdin?.write('x'.repeat(214));
    const stopped = await children.start('sleep', ['600'], { stdio: ['pipe', 'ignore', 'ignore'] });
    stopped.kill('SIGSTOP');
    await until(
      () => rowOf(table, stopped.pid),
      (row) => row.state === 'T',
    );
    const shell = await children.start('sh', ['-c', '{ printf 12345; exec sleep 600; } | { echo $$ >&2; exec sleep 601; }'], {
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    const piped = await waitFor('the end of the pipe', async () =>
      (await table.list()).find((row) => row.ppid === shell.pid && row.commandLine === 'sleep 601'),
    );
    for (const row of (await table.list()).filter((one) => one.ppid === shell.pid)) {
      children.remember(row.pid);
    }
    const instances = [
      await seen('healthy', healthy.pid),
      await seen('wedged', wedged.pid),
      await seen('stopped', stopped.pid),
      await seen('piped', piped.pid),
    ];
    const life = await lookForLife(instances, runDir, table);
    const [first, second, third, fourth] = instances.map(({ id }) => life.get(id));
    assert.equal(first, undefined, 'the control reads');
    assert.equal(second?.kind, 'not-reading');
    assert.match(second?.why ?? '', /214 bytes wait there unread for 1\d s.*no processor time/);
    assert.equal(third?.kind, 'stopped');
    assert.match(fourth?.why ?? '', /5 bytes wait there unread/);
  });

  it('B16, B22: is idle from the moment on at which somebody saw what it had read, until it reads again', async () => {
    const server = await children.start(process.execPath, ['-e', `${reader} console.log('up')`], { stdio: ['pipe', 'pipe', 'inherit'] });
    assert.equal(await firstLine(server), 'up');
    const one = await seen('idle', server.pid);
    const { identity } = await rowOf(table, server.pid);
    assert.equal((await lookForLife([one], runDir, table)).size, 0, 'control: nobody has looked before');
    const began = Date.now() - 2 * hourMs;
    // Node reads files for some moments after its start.
    await waitFor('it to come to rest', async () => {
      const before = readVitalSigns([server.pid])?.readBytes;
      await new Promise((done) => setTimeout(done, 500));
      return before === readVitalSigns([server.pid])?.readBytes;
    });
    new LastReadTimes(runDir).note([{ identity, tree: [server.pid] }], began);
    const verdict = (await lookForLife([one], runDir, table)).get(one.id);
    assert.equal(verdict?.kind, 'idle');
    assert.match(verdict?.why ?? '', /has read nothing since/);
    // Looked at again by another observer: it stays what it was.
    new LastReadTimes(runDir).note([{ identity, tree: [server.pid] }], began + hourMs);
    assert.equal((await lookForLife([one], runDir, table)).get(one.id)?.why, verdict?.why);
    const read = firstLine(server);
    server.stdin?.write('{}\n');
    assert.equal(await read, 'read');
    assert.equal((await lookForLife([one], runDir, table)).get(one.id), undefined);
  });
});
