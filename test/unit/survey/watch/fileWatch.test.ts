import { deepEqual, equal, ok } from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs, { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { Problem } from '../../../../src/model/problem.ts';
import { type FileWatch, type WatchDirectory, type WatchTarget, watchFiles } from '../../../../src/survey/watch/fileWatch.ts';
import { until } from '../../../until.ts';

/** What the issue allows between a change and its notice. */
const limitMs = 1_000;

describe('watchFiles', () => {
  let root = '';
  let seen: string[] = [];
  let problems: Problem[] = [];
  let watch: FileWatch | undefined;

  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'shepherd-watch-')));
    seen = [];
    problems = [];
  });
  afterEach(() => {
    watch?.dispose();
    rmSync(root, { recursive: true, force: true });
  });

  const at = (...parts: string[]): string => join(root, ...parts);
  const file = (...parts: string[]): WatchTarget => ({ path: at(...parts), kind: 'file' });
  const directory = (...parts: string[]): WatchTarget => ({ path: at(...parts), kind: 'directory' });

  /** Starts and waits until the reports about what is as young as this test have come: one for each path. */
  async function start(targets: readonly WatchTarget[], how?: WatchDirectory): Promise<void> {
    watch = watchFiles(
      targets,
      (path) => seen.push(path),
      (problem) => problems.push(problem),
      how,
    );
    await until('the first reports', () => targets.every(({ path }) => seen.includes(path)));
    seen = [];
  }

  async function expectReport(change: () => void, path: string): Promise<void> {
    seen = [];
    const began = performance.now();
    change();
    await until(`a report about ${path}`, () => seen.includes(path));
    ok(performance.now() - began < limitMs, `it took ${performance.now() - began} ms`);
  }

  it('reports creation, change, deletion and replacement by rename', async () => {
    await start([file('a.json')]);
    await expectReport(() => writeFileSync(at('a.json'), '1'), at('a.json'));
    await expectReport(() => writeFileSync(at('a.json'), '2'), at('a.json'));
    await expectReport(() => {
      writeFileSync(at('a.json.tmp'), '3');
      renameSync(at('a.json.tmp'), at('a.json'));
    }, at('a.json'));
    await expectReport(() => unlinkSync(at('a.json')), at('a.json'));
    await expectReport(() => writeFileSync(at('a.json'), '4'), at('a.json'));
  });

  it('follows directories that appear on the way, several at once', async () => {
    await start([file('p', '.client', 'deep', 'mcp.json')]);
    await expectReport(
      () => {
        mkdirSync(at('p', '.client', 'deep'), { recursive: true });
        writeFileSync(at('p', '.client', 'deep', 'mcp.json'), '1');
      },
      at('p', '.client', 'deep', 'mcp.json'),
    );
    await expectReport(() => writeFileSync(at('p', '.client', 'deep', 'mcp.json'), '2'), at('p', '.client', 'deep', 'mcp.json'));
    await expectReport(() => rmSync(at('p'), { recursive: true }), at('p', '.client', 'deep', 'mcp.json'));
    mkdirSync(at('p'));
    await expectReport(
      () => {
        mkdirSync(at('p', '.client', 'deep'), { recursive: true });
        writeFileSync(at('p', '.client', 'deep', 'mcp.json'), '3');
      },
      at('p', '.client', 'deep', 'mcp.json'),
    );
  });

  it('reports when the directory of a file is moved away and back', async () => {
    mkdirSync(at('d'));
    writeFileSync(at('d', 'x.json'), '1');
    await start([file('d', 'x.json')]);
    await expectReport(() => renameSync(at('d'), at('e')), at('d', 'x.json'));
    await expectReport(() => renameSync(at('e'), at('d')), at('d', 'x.json'));
    await expectReport(() => writeFileSync(at('d', 'x.json'), '2'), at('d', 'x.json'));
  });

  it('says nothing about other names', async () => {
    mkdirSync(at('d'));
    await start([file('a.json'), directory('d')]);
    writeFileSync(at('b.json'), '1');
    writeFileSync(at('a.json.tmp'), '1');
    mkdirSync(at('other'));
    await expectReport(() => writeFileSync(at('a.json'), '1'), at('a.json'));
    deepEqual([...new Set(seen)], [at('a.json')]);
  });

  it('sees through symbolic links: the link and what it leads to, also before that exists', async () => {
    mkdirSync(at('dotfiles'));
    symlinkSync('dotfiles/a.json', at('a.json'));
    await start([file('a.json')]);
    await expectReport(() => writeFileSync(at('dotfiles', 'a.json'), '1'), at('a.json'));
    await expectReport(() => writeFileSync(at('dotfiles', 'a.json'), '2'), at('a.json'));
    await expectReport(() => {
      unlinkSync(at('a.json'));
      writeFileSync(at('a.json'), '3');
    }, at('a.json'));
  });

  it('is not caught in a loop of links', async () => {
    symlinkSync('b', at('a'));
    symlinkSync('a', at('b'));
    await start([file('a'), file('a', 'x.json')]);
    await expectReport(
      () => {
        unlinkSync(at('a'));
        mkdirSync(at('a'));
        writeFileSync(at('a', 'x.json'), '1');
      },
      at('a', 'x.json'),
    );
  });

  it('reports what comes and goes in a directory, and its replacement', async () => {
    mkdirSync(at('site-packages', 'pkg'), { recursive: true });
    await start([directory('site-packages')]);
    await expectReport(() => mkdirSync(at('site-packages', 'pkg-2.dist-info')), at('site-packages'));
    await expectReport(() => renameSync(at('site-packages', 'pkg'), at('site-packages', 'pkg-old')), at('site-packages'));
    await expectReport(() => rmSync(at('site-packages', 'pkg-old'), { recursive: true }), at('site-packages'));
    await expectReport(() => {
      mkdirSync(at('new'));
      renameSync(at('site-packages'), at('old'));
      renameSync(at('new'), at('site-packages'));
    }, at('site-packages'));
    // The watch is on the new one.
    await until('the replacement', () => seen.length > 0);
    await expectReport(() => writeFileSync(at('site-packages', 'x'), ''), at('site-packages'));
    await expectReport(() => rmSync(at('site-packages'), { recursive: true }), at('site-packages'));
    await expectReport(() => mkdirSync(at('site-packages')), at('site-packages'));
  });

  it('says nothing about what is written inside the files of a directory', async () => {
    mkdirSync(at('pkg'));
    writeFileSync(at('pkg', 'server.log'), '1');
    await start([directory('pkg')]);
    writeFileSync(at('pkg', 'server.log'), '2', { flag: 'a' });
    // A sentinel in the same directory comes after it.
    watch?.update([directory('pkg'), file('pkg', 'sentinel')]);
    await until('the sentinel', () => seen.includes(at('pkg', 'sentinel')));
    ok(!seen.includes(at('pkg')));
  });

  it('changes what it watches, and says what changed just before', async () => {
    await start([file('a.json')]);
    writeFileSync(at('b.json'), '1');
    watch?.update([file('b.json')]);
    await until('the file that changed just before its watch', () => seen.includes(at('b.json')));
    await expectReport(() => writeFileSync(at('b.json'), '2'), at('b.json'));
    writeFileSync(at('a.json'), '1');
    await expectReport(() => writeFileSync(at('b.json'), '3'), at('b.json'));
    ok(!seen.includes(at('a.json')));
  });

  it('finds at the next update what moved above its watches', async () => {
    mkdirSync(at('x', 'y', 'z'), { recursive: true });
    writeFileSync(at('x', 'y', 'z', 'f'), '1');
    await start([file('x', 'y', 'z', 'f')]);
    renameSync(at('x'), at('w'));
    await expectReport(() => watch?.update([file('x', 'y', 'z', 'f')]), at('x', 'y', 'z', 'f'));
  });

  it('looks at an update only at directories that no other watch is about, and follows one that is moved out of a watched one', async () => {
    const folders = Array.from({ length: 30 }, (_, index) => Array.from({ length: index + 1 }, (_, depth) => `d${depth}`));
    mkdirSync(at(...(folders.at(-1) ?? [])), { recursive: true });
    const targets = folders.map((folder) => file(...folder, 'f'));
    writeFileSync(at('d0', 'd1', 'd2', 'f'), '1');
    await start(targets);
    const real = fs.statSync;
    let looks = 0;
    const counting: typeof fs.statSync = Object.assign((...args: Parameters<typeof real>) => {
      looks += 1;
      return Reflect.apply(real, fs, args);
    }, real);
    Object.assign(fs, { statSync: counting });
    syncBuiltinESMExports();
    try {
      watch?.update(targets);
    } finally {
      Object.assign(fs, { statSync: real });
      syncBuiltinESMExports();
    }
    equal(looks, 1);
    await expectReport(() => renameSync(at('d0', 'd1', 'd2'), at('away')), at('d0', 'd1', 'd2', 'f'));
    await expectReport(
      () => {
        mkdirSync(at('d0', 'd1', 'd2'));
        writeFileSync(at('d0', 'd1', 'd2', 'f'), '2');
      },
      at('d0', 'd1', 'd2', 'f'),
    );
    await expectReport(() => writeFileSync(at('d0', 'd1', 'd2', 'f'), '3'), at('d0', 'd1', 'd2', 'f'));
  });

  it('uses one watch for each directory and closes all of them', async () => {
    let open = 0;
    const directories: string[] = [];
    const { watch: real } = await import('node:fs');
    await start([file('a'), file('b'), file('c', 'd'), directory('.')], (path, options, listener) => {
      const handle = real(path, options, listener);
      open++;
      directories.push(path);
      const close = (): void => {
        open--;
        handle.close();
      };
      return { on: handle.on.bind(handle), close };
    });
    deepEqual(directories.sort(), [join(root, '..'), root].sort());
    watch?.dispose();
    equal(open, 0);
    watch?.update([file('a')]);
    equal(open, 0);
  });

  it('says once that the system refuses, and looks for changes itself', async () => {
    mkdirSync(at('d'));
    mkdirSync(at('e'));
    await start([file('a.json'), file('d', 'b.json'), file('e', 'c.json')], () => {
      throw Object.assign(new Error('refused'), { code: 'EMFILE' });
    });
    deepEqual(
      problems.map(({ source }) => source),
      ['watch'],
    );
    ok(problems[0]?.message.includes('max_user_instances'));
    for (const parts of [['a.json'], ['d', 'b.json']]) {
      seen = [];
      writeFileSync(at(...parts), '1');
      await until('a change without any watch', () => seen.includes(at(...parts)));
    }
    equal(problems.length, 1);
  });

  it('works on when the real limit of the system is reached', function () {
    if (process.platform !== 'linux') {
      console.log('skipped: only Linux has a limit that a test can set');
      this.skip();
    }
    const child = fileURLToPath(new URL('../../../fixtures/config/limitedWatch.ts', import.meta.url));
    for (const name of ['a', 'b', 'c', 'd']) {
      mkdirSync(at(name));
    }
    const script = 'echo 2 > /proc/sys/user/max_inotify_watches && exec "$0" "$@"';
    const run = spawnSync('unshare', ['-U', '-r', 'sh', '-c', script, process.execPath, child, root], {
      encoding: 'utf8',
      timeout: 15_000,
    });
    if (run.error || /unshare|Permission denied|Operation not permitted/.test(run.stderr)) {
      console.log('skipped: a user namespace cannot be made here, so the limit cannot be set');
      this.skip();
    }
    deepEqual(JSON.parse(run.stdout), { problems: 1, limitNamed: true, reported: ['a', 'b', 'c', 'd'] }, run.stderr);
  });
});
