import { deepEqual, ok } from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { GuardHome, guardBundle, publishedGuards, strictServer, until } from './guardedServer.ts';

describe('guard: what it loads', function () {
  this.timeout(60_000);
  let home: GuardHome;
  beforeEach(() => {
    home = new GuardHome();
  });
  afterEach(() => home.clean());

  /** Modules of Node that a guard has loaded when its session ends. */
  async function loaded(options: readonly string[]): Promise<readonly string[]> {
    const [hook, told] = [home.path('hook.cjs'), home.path('loaded.json')];
    writeFileSync(
      hook,
      `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(told)}, JSON.stringify(process.moduleLoadList)));`,
    );
    const client = home.start(process.execPath, [
      ...['--require', hook, await guardBundle(), '--write-tools', 'echo', ...options],
      ...['--', 'python3', strictServer],
    ]);
    await client.handshake();
    await client.request('tools/list');
    await client.call('echo', { text: 'x' });
    await until('it is published', () => publishedGuards(home.run).length > 0);
    client.child.stdin?.end();
    await client.ended;
    return JSON.parse(readFileSync(told, 'utf8'));
  }

  it('no OpenSSL for a server without a lock: it would cost each guard 3 MB', async () => {
    const crypto = (names: readonly string[]): string[] => names.filter((name) => name === 'NativeModule crypto');
    deepEqual(crypto(await loaded([])), []);
    // Control: the name of a resource is a hash.
    deepEqual(crypto(await loaded(['--lock', 'name:x'])), ['NativeModule crypto']);
  });

  it('no web server and no client of one', async () => {
    const names = await loaded([]);
    ok(names.includes('NativeModule net'));
    deepEqual(
      names.filter((name) => /^NativeModule (?:https?|http2|tls|undici)$/.test(name)),
      [],
    );
  });
});
