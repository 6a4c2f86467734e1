import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it } from 'mocha';
import type { Ended, ServerProcess } from '../../../../src/guard/process/serverProcess.ts';
import { Relay } from '../../../../src/guard/relay/relay.ts';
import { Supervisor } from '../../../../src/guard/stdio/supervisor.ts';
import { fakeServer } from '../fakeServer.ts';

describe('Supervisor', () => {
  it('a signal during the first start ends the server that comes of it', async () => {
    const { server } = fakeServer();
    const got: string[] = [];
    let isAlive = true;
    let exit: (ended: Ended) => void = () => undefined;
    const exited = new Promise<Ended>((resolve) => {
      exit = resolve;
    });
    const own: ServerProcess = {
      ...server,
      exited,
      isGroupAlive: () => isAlive,
      closeInput: () => void got.push('the end of its input'),
      signal: (name) => {
        got.push(name);
        isAlive = false;
        exit({ code: null, signal: name });
      },
    };
    let started: (server: ServerProcess) => void = () => undefined;
    const starting = new Promise<ServerProcess>((resolve) => {
      started = resolve;
    });
    const supervisor = new Supervisor(new Relay(new PassThrough(), new PassThrough()), {
      ...{ name: 'slow', graceMs: 60_000, drainMs: 0 },
      start: () => starting,
      overlap: () => false,
      changed: () => undefined,
      crashed: () => undefined,
      finished: (ended) => void got.push(`finished by ${ended.signal}`),
    });
    const begun = supervisor.begin();
    await supervisor.end('SIGTERM');
    started(own);
    await begun;
    assert.deepEqual(got, ['finished by SIGTERM', 'the end of its input', 'SIGTERM']);
  });
});
