// The image behind a `docker run`: a scripted stand-in for the command (there is no daemon here), and the real command without one.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Instance } from '../../../../src/model/snapshot.ts';
import { type RunDocker, runDocker } from '../../../../src/process/dockerImages.ts';
import { assertNames } from '../../../names.ts';
import type { RunningServer } from '../../package/observe.ts';
import { binaryServer } from '../tinyServers.ts';
import { headlines, instanceOf, makeWorld, settled, type World } from '../world.ts';

const image = 'ghcr.io/example/mcp-server';
const [old, fresh] = ['a', 'b'].map((digit) => `sha256:${digit.repeat(64)}`) as [string, string];
const container = 'c'.repeat(64);

describe('a server in a container', function () {
  this.timeout(60_000);
  let world: World;
  let server: RunningServer;
  beforeEach(async function () {
    if (process.platform !== 'linux') {
      console.log('skipped: the stand-in is compiled on Linux');
      this.skip();
    }
    world = makeWorld();
    mkdirSync(join(world.root, 'bin'));
    // What the process table shows of `docker run`: the client, which passes on.
    const client = join(world.root, 'bin', 'docker');
    renameSync(binaryServer(join(world.root, 'bin', 'client')), client);
    const args = ['run', '-i', '--rm', image];
    world.write('.claude.json', { mcpServers: { boxed: { command: client, args } } });
    server = await world.start(client, args, { cwd: world.root, env: process.env });
  });
  afterEach(() => world?.remove());

  /** A command that answers as docker does, from what the test wrote. */
  function standIn(made: string, current: string, delay = 0): RunDocker {
    const script = join(world.root, 'bin', 'docker.sh');
    const started = new Date(server.startedAt + 500).toISOString();
    const text = `#!/bin/sh
${delay > 0 ? `exec sleep ${delay}` : ''}
case "$1" in
  ps) echo ${container};;
  inspect) printf '%s\\t%s\\t%s\\t%s\\n' ${container} ${made} ${image} ${started};;
  image) [ "$6" = ${image} ] && echo ${current};;
esac
`;
    writeFileSync(script, text, { mode: 0o755 });
    return (args, timeout) =>
      new Promise((resolve, reject) => {
        execFile(script, [...args], { timeout, killSignal: 'SIGKILL', encoding: 'utf8' }, (error, stdout) =>
          error ? reject(error) : resolve(stdout),
        );
      });
  }

  async function look(docker: RunDocker): Promise<Instance> {
    const instance = instanceOf(await settled(await world.observer({ docker })), server.pid);
    assert.deepEqual(headlines(instance), [], 'never an alarm');
    return instance;
  }

  it('is told when its tag leads to another image by now, and else nothing is', async () => {
    const same = await look(standIn(old, old));
    assert.deepEqual([same.findings, same.unknown], [[], undefined]);
    const [finding] = (await look(standIn(old, fresh))).findings;
    assert.deepEqual([finding?.kind, finding?.confidence], ['respawn-differs', 'proven']);
    assert.equal(finding?.message, `a restart would start another image of ${image}`);
    assertNames(finding?.evidence.join(' '), 'image aaaaaaaaaaaa', 'image bbbbbbbbbbbb');
  });

  it('is unknown with the reason when docker says nothing, or nothing in time', async () => {
    for (const docker of [runDocker, standIn(old, fresh, 5)]) {
      const began = performance.now();
      const instance = await look(docker);
      assertNames(instance.unknown, 'docker');
      assert.deepEqual(instance.findings, []);
      assert.ok(performance.now() - began < 20_000);
    }
  });
});
