import assert from 'node:assert/strict';
import { join } from 'node:path';
import { makeProject, npm, servers } from '../../package/npmServers.ts';
import { stalePackages } from '../guardedServer.ts';
import { restart } from './control.ts';
import { HttpWorld, health } from './httpWorld.ts';
import { RawClient } from './rawClient.ts';

const { name, bin, versions } = servers.everything;
const [older, newer] = versions;

describe('guard --http: an upgrade under a real server', function () {
  this.timeout(180_000);
  let world: HttpWorld;

  beforeEach(() => {
    world = new HttpWorld();
  });

  afterEach(async () => {
    await world.clean();
  });

  it('C3: refuse refuses and names both versions, restart restarts before the call, warn lets it pass (control); sessions go on', async () => {
    const project = join(world.root, 'project');
    await makeProject(project, [`${name}@${older}`]);
    const command = [
      '--port-env',
      'PORT',
      '--grace',
      '3',
      '--',
      process.execPath,
      join(project, 'node_modules/.bin', bin),
      'streamableHttp',
    ];
    const guards = await Promise.all(
      ['refuse', 'restart', 'warn'].map(async (policy) => {
        const guard = await world.guard([
          '--listen',
          '0',
          '--wait',
          '120',
          '--on-stale',
          policy,
          ...(policy === 'restart' ? ['--overlap'] : []),
          ...command,
        ]);
        const client = new RawClient(guard.origin);
        await client.initialize();
        const echo = async (message: string) => (await client.request('tools/call', { name: 'echo', arguments: { message } })).text;
        assert.ok((await echo('before')).includes('Echo: before'));
        assert.equal((await health(guard.origin)).version, older);
        return { ...guard, client, echo };
      }),
    );
    const [refuse, restarts, warns] = guards;
    assert.ok(refuse && restarts && warns);
    const serverBefore = (await health(restarts.origin)).upstream.pid;

    await npm(project, 'install', '--save-exact', `${name}@${newer}`);

    assert.ok((await warns.echo('old code')).includes('Echo: old code'));
    assert.equal((await health(warns.origin)).version, older);

    const refused = await refuse.echo('refused');
    assert.ok(!refused.includes('Echo'), refused);
    assert.ok(stalePackages(JSON.parse(refused)).includes(`${name} ${older} ${newer} upgrade`), refused);
    const calls = [7, 8].map((id) => ({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name: 'echo', arguments: { message: 'batch' } },
    }));
    const batch = await refuse.client.send([...calls, { jsonrpc: '2.0', id: 9, method: 'ping' }]);
    const ofBatch: { id: number; result?: unknown; error?: unknown }[] = JSON.parse(batch.text);
    assert.deepEqual(
      ofBatch.map(({ id, result, error }) => [id, result !== undefined, error !== undefined]),
      [
        [7, true, false],
        [8, true, false],
        [9, false, true],
      ],
    );
    assert.ok(!batch.text.includes('Echo'), batch.text);
    assert.equal((await restart(world.runDir, refuse.pid)).status, 'ok');
    assert.ok((await refuse.echo('after')).includes('Echo: after'));
    assert.equal((await health(refuse.origin)).version, newer);

    const answers = await Promise.all(['a', 'b', 'c'].map((message) => restarts.echo(message)));
    assert.deepEqual(
      answers.map((text, index) => text.includes(`Echo: ${'abc'[index]}`)),
      [true, true, true],
    );
    const after = await health(restarts.origin);
    assert.equal(after.version, newer);
    assert.notEqual(after.upstream.pid, serverBefore);
    assert.equal(restarts.said().split('the server was restarted').length, 2, 'one restart');
  });
});
