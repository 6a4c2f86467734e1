// Holds a resource with our own code: `holder.ts KIND RESOURCE SERVER`. Says "held" and keeps it until its input ends; ends with 75 when it is held.
import { join } from 'node:path';
import { holdResources } from '../../../src/lock/holdResources.ts';
import { openLockDirectory } from '../../../src/lock/lockDirectory.ts';
import { readProcessStarts } from '../../../src/lock/processStarts.ts';
import { type ResourceKind, resourceKey } from '../../../src/lock/resourceKey.ts';

const [kind = 'path', resource = '', serverId = ''] = process.argv.slice(2);
const opened = openLockDirectory(join(process.env.MCP_RUN_DIR ?? '', 'v1'));
if ('refused' in opened) {
  console.error(opened.refused);
  process.exit(1);
}
const starts = await readProcessStarts();
const server = { pid: process.pid, start: (await starts.startOf(process.pid)) ?? '?' };
const result = await holdResources({
  directory: opened.directory,
  starts,
  resources: [resourceKey(kind as ResourceKind, resource)],
  facts: { serverId, server },
});
if (result.status !== 'held-by-us') {
  const by = result.status === 'held' ? result.by : 'record' in result ? [result.record] : [];
  console.error(`${result.status} by ${by.map((record) => `PID ${record.server?.pid} (${record.serverId})`).join(' and ')}`);
  process.exit(75);
}
result.instance.publish({ state: 'running' });
console.log('held');
process.stdin.resume();
process.stdin.once('end', () => {
  result.instance.close();
  process.exit();
});
