import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import type { Ended, ServerProcess } from '../../../../src/guard/process/serverProcess.ts';
import { Relay } from '../../../../src/guard/relay/relay.ts';
import { RunningServers } from '../../../../src/guard/stdio/runningServers.ts';
import { ServerReplacement } from '../../../../src/guard/stdio/serverReplacement.ts';

/** A server that ends with its input, and whose last output arrives after its end. */
function lateReader(lastOutput: string): ServerProcess {
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  let end: (ended: Ended) => void = () => undefined;
  const exited = new Promise<Ended>((resolve) => {
    end = resolve;
  });
  return {
    pid: 4711,
    stdin,
    stdout,
    closeInput() {
      end({ code: 0, signal: null });
      // The delay is the subject.
      setTimeout(() => stdout.end(lastOutput), 20);
    },
    exited,
    ended: undefined,
    signal: () => undefined,
    isGroupAlive: () => false,
  };
}

describe('the replacement of a server', () => {
  for (const way of ['stopFirst', 'overlapping'] as const) {
    it(`forwards the last output of the old one (${way})`, async () => {
      const [input, output] = [new PassThrough(), new PassThrough()];
      const relay = new Relay(input, output);
      const running = new RunningServers({ crashed: () => undefined, outputClosed: () => undefined });
      const servers = [lateReader('{"jsonrpc":"2.0","method":"notifications/message"}\n'), lateReader('')];
      const replacement = new ServerReplacement({
        relay,
        running,
        drainMs: 1_000,
        ending: new AbortController().signal,
        start: async () => servers.shift() ?? lateReader(''),
        started: () => undefined,
      });
      const old = await replacement.connect();
      relay.release(old);
      assert.ok(typeof (await replacement[way](old)) === 'object');
      assert.equal(String(output.read()), '{"jsonrpc":"2.0","method":"notifications/message"}\n');
    });
  }
});
