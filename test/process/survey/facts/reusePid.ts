// Run by a test as the first process of a new PID namespace, where it may say which PID comes next. Gives two servers the same PID, one after the
// other, upgrades their package in between, and prints what an observer that knows the first one says of each.
// Arguments: home (with the entry), run folder, project, older and newer version of its server.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Instance } from '../../../../src/model/snapshot.ts';
import { npm, servers } from '../../package/npmServers.ts';
import { type RunningServer, startServer } from '../../package/observe.ts';
import { headlines, instanceOf, makeSurveyor, settled } from '../world.ts';

const [home = '', runDir = '', project = '', older = '', newer = ''] = process.argv.slice(2);
const entry = join(project, 'node_modules', '.bin', servers.memory.bin);
const start = (): Promise<RunningServer> => startServer(process.execPath, [entry], { cwd: project, env: process.env });

/** As a program that is started now sees it: what it knows of earlier processes is what is stored. */
async function look(pid: number): Promise<Instance> {
  const surveyor = await makeSurveyor(home, runDir);
  try {
    return instanceOf(await settled(surveyor), pid);
  } finally {
    surveyor.dispose();
  }
}

const told = (instance: Instance): object => ({
  running: instance.package?.running,
  installed: instance.package?.installed,
  findings: headlines(instance),
});

const first = await start();
const before = await look(first.pid);
await npm(project, 'install', '--save-exact', `${servers.memory.name}@${newer}`);
const upgraded = await look(first.pid);
await first.stop();
let second = await start();
for (let tries = 0; second.pid !== first.pid && tries < 50; tries += 1) {
  await second.stop();
  // A thread of our own may take the number first; then once more.
  writeFileSync('/proc/sys/kernel/ns_last_pid', String(first.pid - 1));
  second = await start();
}
const after = await look(second.pid);
// A later downgrade under the second one: its baseline is its own.
await npm(project, 'install', '--save-exact', `${servers.memory.name}@${older}`);
const downgraded = await look(second.pid);
console.log(
  JSON.stringify({
    samePid: second.pid === first.pid,
    sameInstance: after.id === before.id,
    startedLater: Date.parse(after.startedAt) > Date.parse(before.startedAt),
    before: told(before),
    upgraded: told(upgraded),
    after: told(after),
    downgraded: told(downgraded),
  }),
);
await second.stop();
