import { deepEqual, equal, ok } from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { compileFolder } from '../../../src/base/compileCache.ts';
import { until } from '../../until.ts';
import { commandOf, GuardHome, guardBundle, processesWith, publishedGuards, strictServer } from './guardedServer.ts';

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

  it('where its own files vanish while it starts, the server is ended with it, and the reason is one line', async () => {
    const server = ['sh', '-c', `trap '' TERM; : '${home.root}'; while :; do sleep 1; done`];
    const client = home.start(process.execPath, [await copied('stdioCallGate'), '--', ...server]);
    deepEqual(await client.ended, { code: 126, signal: null });
    ok(/Cannot find module '[^']+'/.test(client.stderr) && client.stderr.split('\n').length === 2, client.stderr);
    deepEqual(serversOf(home), []);
  });

  it('where they are gone before it starts anything, the reason is one line, too', async () => {
    const client = home.start(process.execPath, [await copied('runGuard'), '--', 'python3', strictServer]);
    deepEqual(await client.ended, { code: 126, signal: null });
    ok(/Cannot find module '[^']+'/.test(client.stderr) && client.stderr.split('\n').length === 2, client.stderr);
  });

  /** A copy of the guard, also without one of its pieces. @returns its file */
  async function copied(missing?: string): Promise<string> {
    const bundle = await guardBundle();
    const copy = home.path('programs');
    cpSync(dirname(bundle), copy, { recursive: true });
    const pieces = readdirSync(join(copy, 'guard')).filter((name) => missing !== undefined && name.startsWith(`${missing}-`));
    ok(pieces.length > 0 || missing === undefined);
    for (const name of pieces) {
      rmSync(join(copy, 'guard', name));
    }
    return join(copy, 'guard.cjs');
  }

  it('Node’s compile cache is kept only in a folder that the launcher made; damaged files there do no harm', async () => {
    const program = await copied();
    const folder = join(dirname(program), compileFolder);
    const serve = async (): Promise<void> => {
      const client = home.start(process.execPath, [program, '--', 'python3', strictServer]);
      await client.handshake();
      client.child.stdin?.end();
      equal((await client.ended).code, 0, client.stderr);
    };
    const compiled = (): string[] =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name));
    await serve();
    ok(!existsSync(folder), 'control');
    mkdirSync(folder);
    await serve();
    ok(compiled().length > 5);
    for (const file of compiled()) {
      writeFileSync(file, readFileSync(file).fill(0x5a, 40));
    }
    await serve();
    rmSync(folder, { recursive: true });
    writeFileSync(folder, 'no folder');
    await serve();
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

/** The programs that are the servers of these tests; their guards have the words too. */
function serversOf(home: GuardHome): number[] {
  return processesWith(home.root).filter((pid) => /^(?:sh|tail)\0/.test(commandOf(pid)));
}
