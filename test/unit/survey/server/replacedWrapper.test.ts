// Wrappers that became the server by `exec`: its command line has no word of them. Layouts made by hand.
import { deepEqual, equal, match } from 'node:assert/strict';
import { chmodSync, lutimesSync, rmSync, utimesSync } from 'node:fs';
import { describe, it } from 'mocha';
import { HandMadeScan, node, release, stale } from './handMadeScan.ts';

const likely = ['stale/replaced-beside/likely'];

describe('a wrapper that became the server', () => {
  const scan = new HandMadeScan();
  const { at, write, entries, observe, look, verdict } = scan;

  const young = (): Date => new Date(scan.startedAt + 20_000);

  /** `bin/tiny` with these lines. @param time of the file; undefined: before the start of the server */
  function wrapper(lines: readonly string[], time?: Date): void {
    write({ 'bin/tiny': `#!/bin/sh\n${lines.join('\n')}\n` });
    chmodSync(at('bin/tiny'), 0o755);
    if (time) {
      utimesSync(at('bin/tiny'), time, time);
    }
  }
  const starts = (folder: string): string => `exec ${node} "${at(folder)}/server.js" "$@"`;
  const server = () => ({ argv: [node, at('srv/1.0.0/server.js')], cwd: scan.tree.root, env: { PATH: '/bin' } });

  function installed(): void {
    // Neither a path nor the entry has a word of MCP: what is not asked for by the entry is not listed.
    write({ ...release('srv/1.0.0', '1.0.0'), ...release('srv/1.1.0', '1.1.0') });
    entries([at('bin/tiny')]);
  }

  it('that leads to another version now: stale, proven where it was seen before, likely where it was not', async () => {
    installed();
    wrapper([starts('srv/1.0.0')]);
    await observe(server());
    deepEqual(await verdict(), ['1.0.0', '1.0.0', []]);
    wrapper([starts('srv/1.1.0')], young());
    deepEqual(await verdict(), ['1.0.0', '1.1.0', stale]);
    await observe(server(), 'another');
    deepEqual(await verdict(), ['1.0.0', '1.1.0', likely]);
    deepEqual(await verdict(), ['1.0.0', '1.1.0', likely], 'the second look remembers no conclusion');
  });

  it('that names its script by way of another folder, and whose old version was removed: stale', async () => {
    write(release('tool/1.1.0', '1.1.0'));
    entries([at('bin/tiny')]);
    wrapper([starts('tool/1.1.0')], young());
    await observe({ ...server(), argv: [node, at('tool/1.0.0').concat('/bin/../server.js')] });
    deepEqual((await verdict()).slice(1), ['1.1.0', likely]);
  });

  it('that names the home: by the environment of the server, whatever another process has', async () => {
    installed();
    wrapper([`exec ${node} "$HOME/srv/1.0.0/server.js" "$@"`]);
    const env = { PATH: '/bin', HOME: scan.tree.root };
    await observe({ ...server(), env: { ...env, HOME: '/elsewhere' } }, 'another');
    equal(await scan.count(), 0, 'where that leads is another question for each home');
    await observe({ ...server(), env });
    deepEqual(await verdict(), ['1.0.0', '1.0.0', []]);
    wrapper([`exec ${node} "$HOME/srv/1.1.0/server.js" "$@"`], young());
    deepEqual(await verdict(), ['1.0.0', '1.1.0', stale]);
  });

  it('that leads to another build of Nix or revision of a snap: its entry, without a conclusion; also when the old one was removed', async () => {
    const build = (hash: string, version: string): string => `nix/store/${hash.repeat(32)}-tiny-${version}`;
    for (const [old, now] of [
      [build('a', '1.0.0'), build('b', '1.1.0')],
      ['snap/tiny/x1', 'snap/tiny/current'],
    ] as const) {
      write({ ...release(old, '1.0.0'), ...release(now, '1.1.0') });
      entries([at('bin/tiny')]);
      wrapper([starts(now)], young());
      await observe({ ...server(), argv: [node, at(old, 'server.js')] }, old);
      deepEqual(await verdict(), ['1.0.0', '1.1.0', stale], old);
      rmSync(at(old), { recursive: true });
      await observe({ ...server(), argv: [node, at(old, 'server.js')] }, `${old} removed`);
      deepEqual((await verdict()).slice(1), ['1.1.0', likely], `${old} was removed`);
    }
  });

  it('that leads to another version, when the old one was removed before the first scan: likely', async () => {
    installed();
    wrapper([starts('srv/1.1.0')], young());
    rmSync(at('srv/1.0.0'), { recursive: true });
    await observe(server());
    deepEqual(await verdict(), [null, '1.1.0', likely]);
    write({ 'srv/9/package.json': { name: 'tiny-mcp', version: '2.0.0' }, 'srv/9/server.js': '' });
    wrapper([starts('srv/9')], young());
    await observe(server(), 'a path that differs in more than a version');
    equal(await scan.count(), 0);
  });

  it('the same version elsewhere: nothing; an older wrapper, another package, another client, another argument: not its entry', async () => {
    installed();
    write(release('srv/again', '1.0.0'));
    wrapper([starts('srv/again')], young());
    await observe(server());
    const same = await look();
    deepEqual([same.findings, same.unknown, same.definitions.length], [[], undefined, 1]);
    write({ 'srv/other/package.json': { name: 'tiny-other', version: '2.0.0' }, 'srv/other/server.js': '' });
    for (const [lines, time, client, args] of [
      [[starts('srv/1.1.0')], undefined, 'claude', []],
      [[starts('srv/other')], young(), 'claude', []],
      [[starts('srv/1.1.0')], young(), 'codex', []],
      [[starts('srv/1.1.0')], young(), 'claude', ['--read-only']],
    ] as const) {
      // Each under a path of its own: where a command leads is kept for a while.
      write({ 'home/.claude.json': { mcpServers: {} } });
      const path = `bin/tiny-${lines.join().length}-${client}-${args.length}-${time ? 1 : 0}`;
      write({ [path]: `#!/bin/sh\n${lines.join('\n')}\n` });
      chmodSync(at(path), 0o755);
      if (time) {
        utimesSync(at(path), time, time);
      }
      entries([at(path)]);
      const own = server();
      await observe({ ...own, client, argv: [...own.argv, ...args] }, path);
      equal(await scan.count(), 0, path);
    }
  });

  for (const [what, lines] of [
    ['reads the version from another file', (folder: string) => [`. ${folder}/ver`, `exec ${node} ${folder}/$V/server.js "$@"`]],
    [
      'decides by a flag',
      (folder: string) => [
        `if [ -f ${folder}/flag ]; then`,
        `  exec ${node} ${folder}/1.1.0/server.js`,
        'fi',
        `exec ${node} ${folder}/1.0.0/server.js "$@"`,
      ],
    ],
  ] as const) {
    it(`that ${what}: unknown, with the reason`, async () => {
      installed();
      wrapper(lines(at('srv')));
      await observe(server());
      const found = await look();
      deepEqual([found.package?.running, found.findings], ['1.0.0', []]);
      match(found.unknown ?? '', /tiny is a shell script that does more than start one program/);
    });
  }

  it('that starts what a variable says is the wrapper of no server in particular', async () => {
    installed();
    wrapper(['. /etc/tiny', `exec ${node} $SCRIPT "$@"`]);
    await observe(server());
    equal(await scan.count(), 0);
  });

  it('a working directory that is a link, which leads to another version now: stale', async () => {
    write({ ...release('srv/1.0.0', '1.0.0'), ...release('srv/1.1.0', '1.1.0'), now: { link: 'srv/1.0.0' } });
    write({ 'home/.claude.json': { mcpServers: { tiny: { command: node, args: ['server.js'], cwd: at('now') } } } });
    const running = { argv: [node, 'server.js'], cwd: at('srv/1.0.0'), env: { PATH: '/bin' } };
    await observe(running);
    deepEqual(await verdict(), ['1.0.0', '1.0.0', []]);
    write({ now: { link: 'srv/1.1.0' } });
    lutimesSync(at('now'), young(), young());
    deepEqual(await verdict(), ['1.0.0', '1.1.0', stale]);
    await observe(running, 'another');
    deepEqual(await verdict(), ['1.0.0', '1.1.0', likely]);
    await observe({ ...running, client: 'codex' }, 'third');
    equal(await scan.count(), 0);
  });
});
