// Cost of a call through `guard --http`, compared with the least that any proxy on Node must do: `node bench/httpGuard.ts [--long]`.
// The added median counts (through the guard − direct), as a ratio to that of a bare pipe; absolute times depend on the machine. Linux only (memory).
// `bench/httpPeers.ts` compares it with other proxies.
import { join } from 'node:path';
import { HttpCaller, load, Programs, peakMb, pipeScript, serverScript } from './httpParts.ts';
import { median } from './measure.ts';

const long = process.argv.includes('--long');
const rounds = long ? 60 : 15;
const callsPerRound = 200;
const programs = new Programs();

try {
  const server = await programs.start('-e', serverScript);
  const pipe = await programs.start('-e', pipeScript, server.origin);
  const guard = await programs.start(
    join(import.meta.dirname, '../dist/guard.cjs'),
    '--http',
    '--listen',
    '0',
    '--upstream',
    server.origin,
  );
  const ways = [server, pipe, guard].map(({ origin }) => new HttpCaller(origin));
  const [, throughPipe, throughGuard] = ways;
  for (const way of ways) {
    await way.begin();
  }
  console.log(`${rounds} × ${callsPerRound} calls each, Node ${process.version}, ${load()}`);
  for (const [what, params] of [
    ['answer in JSON', { name: 'x' }],
    ['answer as an event stream', { stream: true }],
  ] as const) {
    const times = ways.map((): number[] => []);
    // In turn, so that other load on the machine affects all alike; the first round warms up.
    for (let round = 0; round <= rounds; round += 1) {
      for (const [way, caller] of ways.entries()) {
        for (let count = 0; count < callsPerRound; count += 1) {
          const begin = performance.now();
          await caller.call('tools/call', params);
          if (round > 0) {
            times[way]?.push(performance.now() - begin);
          }
        }
      }
    }
    const [direct = 0, bare = 0, ours = 0] = times.map(median);
    console.log(`\n${what}`);
    console.log(`  direct        ${direct.toFixed(3)} ms`);
    console.log(`  bare pipe     ${bare.toFixed(3)} ms, added ${(bare - direct).toFixed(3)} ms`);
    console.log(
      `  guard --http  ${ours.toFixed(3)} ms, added ${(ours - direct).toFixed(3)} ms = ${((ours - direct) / (bare - direct)).toFixed(2)} × the bare pipe's`,
    );
  }

  console.log('\nmemory at its peak, MB');
  const report = (what: string): void =>
    console.log(`  ${what.padEnd(34)} bare pipe ${peakMb(pipe.pid).toFixed(0)}, guard ${peakMb(guard.pid).toFixed(0)}`);
  report('after the calls');
  for (const count of [1, 10]) {
    for (const caller of [throughPipe, throughGuard]) {
      for (let done = 0; done < count; done += 1) {
        await caller?.call('tools/call', { bytes: 10 * 1_048_576 });
      }
    }
    report(`after ${count} more of 10 MB`);
  }
  const events = long ? 3_600 : 600;
  const pause = long ? 16 : 5;
  const begin = performance.now();
  await Promise.all([throughPipe, throughGuard].map((caller) => caller?.call('tools/call', { events, pause })));
  report(`after ${events} events in ${((performance.now() - begin) / 1_000).toFixed(0)} s`);
  for (const way of ways) {
    way.close();
  }
} finally {
  await programs.stop();
}
