// An instance whose event loop stands still: `blockedHolder.ts BASE RESOURCE`. Publishes itself, says its id, and sleeps in one go until it is ended.
import { openControlServer } from '../../../src/lock/control/controlServer.ts';
import { holdResources } from '../../../src/lock/holdResources.ts';
import { openLockDirectory } from '../../../src/lock/lockDirectory.ts';
import { readProcessStarts } from '../../../src/lock/processStarts.ts';
import { resourceKey } from '../../../src/lock/resourceKey.ts';

const [base = '', resource = ''] = process.argv.slice(2);
const opened = openLockDirectory(base);
if ('refused' in opened) {
  throw new Error(opened.refused);
}
const starts = await readProcessStarts();
const server = { pid: process.pid, start: (await starts.startOf(process.pid)) ?? '?' };
const result = await holdResources({
  directory: opened.directory,
  starts,
  resources: [resourceKey('path', resource)],
  facts: { serverId: 'blocked', server },
});
if (result.status !== 'held-by-us') {
  throw new Error(result.status);
}
const never = (): never => {
  throw new Error('asked');
};
const { endpoint } = await openControlServer({
  directory: opened.directory,
  instance: result.instance.record.id,
  handlers: { status: never, restart: never, stop: never },
  server: () => server,
});
result.instance.publish({ state: 'running', control: endpoint });
process.stdout.write(`${result.instance.record.id}\n`, () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
