// Wrappers that became the server by `exec`: its command line has no word of them. Layouts made by hand.
import { deepEqual, equal, match } from 'node:assert/strict';
import { chmodSync, lutimesSync, renameSync, rmSync, utimesSync } from 'node:fs';
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
    await observe(server(), 'a folder of another name');
    deepEqual(await verdict(), [null, '2.0.0', likely]);
    write({ 'srv/1.0.0/data': '' });
    await observe(server(), 'a folder that is still there is no removed release: it may be another project');
    equal(await scan.count(), 0);
    rmSync(at('srv/1.0.0'), { recursive: true });
    write({ 'srv/9/dist/package.json': { name: 'tiny-mcp', version: '2.0.0' }, 'srv/9/dist/server.js': '' });
    wrapper([starts('srv/9/dist')], young());
    await observe(server(), 'a path that differs in more than one folder');
    equal(await scan.count(), 0);
  });

  it('that leads to the same version elsewhere, when the old one was removed before the first scan: its files are gone, it is not stale', async () => {
    for (const [old, now] of [
      ['srv/1.0.0', 'srv/again'],
      [`nix/store/${'a'.repeat(32)}-tiny-1.0.0`, `nix/store/${'b'.repeat(32)}-tiny-1.0.0`],
    ] as const) {
      write(release(now, '1.0.0'));
      entries([at('bin/tiny')]);
      wrapper([starts(now)], young());
      await observe({ ...server(), argv: [node, at(old, 'server.js')] }, `run of ${old.slice(0, 3)}`);
      deepEqual((await verdict())[2], ['files-gone/likely'], old);
    }
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

  const newest = (of: string): string[] => [`exec ${node} "$(ls -d ${at('srv')}/*.* | ${of} | tail -1)/server.js" "$@"`];

  for (const [what, command] of [
    ['by itself', (file: string) => [file]],
    ['by a shell', (file: string) => ['bash', file]],
    ['by a line of shell', (file: string) => ['sh', '-c', `exec ${file}`]],
  ] as const) {
    it(`that starts the newest of a folder, started ${what}: stale once there is a newer one`, async () => {
      write(release('srv/1.0.0', '1.0.0'));
      entries(command(at('bin/tiny')));
      wrapper(newest('sort -V'));
      await observe(server());
      deepEqual(await verdict(), ['1.0.0', '1.0.0', []]);
      equal((await look()).definitions.length, 1);
      write(release('srv/1.1.0', '1.1.0'));
      utimesSync(at('srv'), young(), young());
      deepEqual(await verdict(), ['1.0.0', '1.1.0', stale]);
      await observe(server(), 'another');
      deepEqual(await verdict(), ['1.0.0', '1.1.0', likely]);
    });
  }

  it('one of two wrappers or folders of one package, which were all changed: the entry that leads to a place near the one that runs', async () => {
    const [own, other] = ['a', 'b'] as const;
    for (const project of [own, other]) {
      write({ ...release(`${project}/srv/1.0.0`, '1.0.0'), ...release(`${project}/srv/new`, project === own ? '1.1.0' : '1.2.0') });
      wrapper([starts(`${project}/srv/new`)], young());
      renameSync(at('bin/tiny'), at(`bin/${project}`));
      write({ [`${project}/now`]: { link: 'srv/new' } });
      lutimesSync(at(project, 'now'), young(), young());
    }
    entries([at('bin', other)], [at('bin', own)]);
    const running = { ...server(), argv: [node, at(own, 'srv/1.0.0/server.js')] };
    await observe(running);
    deepEqual(await verdict(), ['1.0.0', '1.1.0', likely]);
    const entry = (project: string) => ({ command: node, args: ['server.js'], cwd: at(project, 'now') });
    write({ 'home/.claude.json': { mcpServers: { b: entry(other), a: entry(own) } } });
    await observe({ argv: [node, 'server.js'], cwd: at(own, 'srv/1.0.0'), env: { PATH: '/bin' } }, 'folders');
    deepEqual(await verdict(), ['1.0.0', '1.1.0', likely]);
  });

  it('that reads the version from a file: stale once the file names another', async () => {
    installed();
    write({ 'srv/version': '1.0.0\n' });
    wrapper(['cd "$(dirname "$0")/../srv" || exit 1', `exec ${node} "${at('srv')}/$(cat version)/server.js" "$@"`]);
    await observe(server());
    deepEqual(await verdict(), ['1.0.0', '1.0.0', []]);
    write({ 'srv/version': '1.1.0\n' });
    deepEqual(await verdict(), ['1.0.0', '1.1.0', stale]);
  });

  it('whose choice no file shows: its entry, and unknown with the reason', async () => {
    installed();
    wrapper(newest('grep -v beta'));
    await observe(server());
    const found = await look();
    deepEqual([found.findings, found.definitions.length], [[], 1]);
    match(found.unknown ?? '', /tiny is a shell script that does more than start one program/);
  });

  it('whose script no file shows: unknown for a server of that client without an entry, not for others', async () => {
    const own = 'mcp-servers/1.0.0';
    write({ ...release(own, '1.0.0'), ...release('srv/1.0.0', '1.0.0') });
    const running = { ...server(), argv: [node, at(own, 'server.js')] };
    for (const [index, [command, text]] of (
      [
        [[at('bin/tiny')], `exec ${node} "$(tiny-root)/server.js" "$@"`],
        [[at('bin/tiny')], `run() {\n  exec ${node} "$1"\n}\nrun ${at(own)}/server.js`],
        [['sh', '-c', `exec ${node} "$(ls -d ${at('mcp-servers')}/* | tail -1)/server.js"`], ''],
      ] as const
    ).entries()) {
      entries(command);
      wrapper([text], young());
      await observe(running, `r${index}`);
      const found = await look();
      deepEqual([found.findings, found.definitions], [[], []], text);
      match(found.unknown ?? '', /the entry tiny0 may have started it, and what the command of that entry starts now cannot be read/, text);
      await observe({ ...running, client: 'codex' }, `c${index}`);
      equal((await look()).unknown, undefined, 'a client that does not read the entry');
    }
    entries([at('bin/tiny'), '--read-only']);
    wrapper(['exec $(tiny-program) "$@"'], young());
    await observe(running, 'words');
    equal((await look()).unknown, undefined, 'the words of the entry are not those of the server');
    entries([at('bin/tiny')]);
    wrapper([starts('srv/1.0.0')]);
    await observe(running, 'known');
    equal((await look()).unknown, undefined, 'it is known what the wrapper starts');
  });

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
