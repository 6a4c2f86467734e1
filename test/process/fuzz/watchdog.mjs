// A thread that ends this process when one seed takes too long without giving up the processor: no timer of the main thread runs then.
import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';

const { shared, limitMs } = workerData;
let seen = -1;
let since = Date.now();
setInterval(() => {
  const seed = Atomics.load(shared, 0);
  if (seed !== seen || seed < 0) {
    seen = seed;
    since = Date.now();
  } else if (Date.now() - since > limitMs) {
    writeSync(2, `\nseed ${seed} hangs: it took more than ${limitMs / 1000} s without a pause. Replay: FUZZ_SEED=${seed}\n`);
    process.kill(process.pid, 'SIGKILL');
  }
}, 200);
