// A thread that ends this process when one seed takes too long without giving up the processor: no timer of the main thread runs then.
import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';

const { shared, limitMs } = workerData;
/** Processor time of the whole process, ms. Where other programs use the processor, the clock may show six times as much. */
const used = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};
let seen = -1;
let since = Date.now();
let before = used();
setInterval(() => {
  const seed = Atomics.load(shared, 0);
  if (seed !== seen || seed < 0) {
    seen = seed;
    since = Date.now();
    before = used();
  } else if (used() - before > limitMs || Date.now() - since > 6 * limitMs) {
    writeSync(2, `\nseed ${seed} hangs: it took more than ${limitMs / 1000} s without a pause. Replay: FUZZ_SEED=${seed}\n`);
    process.kill(process.pid, 'SIGKILL');
  }
}, 200);
