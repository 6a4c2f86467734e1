import { PassThrough } from 'node:stream';
import type { ServerProcess } from '../../../src/guard/process/serverProcess.ts';

/** A server for the relay that is no process: the test reads its input and writes its output. */
export function fakeServer(): { readonly input: PassThrough; readonly output: PassThrough; readonly server: ServerProcess } {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const server: ServerProcess = {
    pid: 4711,
    stdin: input,
    stdout: output,
    closeInput: () => undefined,
    exited: new Promise(() => undefined),
    ended: undefined,
    signal: () => undefined,
    isGroupAlive: () => true,
  };
  return { input, output, server };
}
