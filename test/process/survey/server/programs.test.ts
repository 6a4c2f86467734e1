// Whether the program itself is still the one under its name: every way of replacing a file, with an observer that saw the server before and one that comes afterwards.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import { assertNames } from '../../../names.ts';
import type { RunningServer } from '../../package/observe.ts';
import { ownPython } from '../../package/ownPython.ts';
import { cleanEnv, findPython, pip, venvPath } from '../../package/pythonWheels.ts';
import { binaryServer, sharedLibrary } from '../tinyServers.ts';
import { headlines, instanceOf, makeWorld, settled, type World } from '../world.ts';

function has(command: string): boolean {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('the program of a server', function () {
  this.timeout(120_000);
  let world: World;
  before(function () {
    if (process.platform !== 'linux' || !has('gcc')) {
      console.log('skipped: the program that runs is compared on Linux only, and made here with gcc');
      this.skip();
    }
  });
  beforeEach(() => {
    world = makeWorld();
  });
  afterEach(() => world.remove());

  interface Case {
    readonly what: string;
    readonly act: (place: { readonly root: string; readonly program: string; readonly link: string }) => void;
    /** What an observer says that saw it before, and one that comes afterwards. */
    readonly seen: readonly string[];
    readonly late: readonly string[];
    /** Started through the link. */
    readonly linked?: boolean;
    readonly unknown?: RegExp;
  }
  const stale = ['stale/binary/proven'];
  const replace = (program: string, mark: string): void => renameSync(binaryServer(`${program}.new`, mark), program);
  const cases: readonly Case[] = [
    { what: 'nothing', act: () => {}, seen: [], late: [] },
    { what: 'another program moved over it', act: ({ program }) => replace(program, 'two'), seen: stale, late: stale },
    {
      what: 'removed, and the same content put there again',
      act: ({ program }) => {
        copyFileSync(program, `${program}.copy`);
        rmSync(program);
        renameSync(`${program}.copy`, program);
        chmodSync(program, 0o755);
      },
      seen: [],
      late: [],
    },
    { what: 'compiled again with an equal result', act: ({ program }) => replace(program, 'one'), seen: [], late: [] },
    { what: 'touch', act: ({ program }) => utimesSync(program, new Date(), new Date()), seen: [], late: [] },
    { what: 'chmod', act: ({ program }) => chmodSync(program, 0o700), seen: [], late: [] },
    {
      what: 'the old one renamed, a new one in its place (self-update)',
      act: ({ program }) => {
        renameSync(program, `${program}.old`);
        binaryServer(program, 'two');
      },
      seen: stale,
      late: ['stale/binary/likely'],
    },
    {
      what: 'a hard link kept elsewhere, the name replaced',
      act: ({ program, root }) => {
        linkSync(program, join(root, 'kept'));
        replace(program, 'two');
      },
      seen: stale,
      late: stale,
    },
    {
      what: 'a link switched to another version',
      linked: true,
      act: ({ root, link }) => {
        binaryServer(join(root, 'mcp-tiny-2'), 'two');
        rmSync(link);
        symlinkSync(join(root, 'mcp-tiny-2'), link);
      },
      seen: stale,
      // What it was started by is a name that it gives itself, and the old file is where it was.
      late: [],
    },
    {
      what: 'a link switched to a copy with the same content',
      linked: true,
      act: ({ root, program, link }) => {
        copyFileSync(program, join(root, 'mcp-tiny-copy'));
        chmodSync(join(root, 'mcp-tiny-copy'), 0o755);
        rmSync(link);
        symlinkSync(join(root, 'mcp-tiny-copy'), link);
      },
      seen: [],
      late: [],
    },
    {
      what: 'the directory above renamed',
      act: ({ root }) => renameSync(root, `${root}-moved`),
      seen: [],
      late: [],
      unknown: /no longer exists/,
    },
  ];
  for (const { what, act, seen, late, linked, unknown } of cases) {
    it(`single binary: ${what}`, async () => {
      const root = join(world.root, 'tool');
      mkdirSync(root);
      const program = binaryServer(join(root, 'mcp-tiny'));
      const link = join(root, 'mcp-link');
      symlinkSync(program, link);
      const command = linked ? link : program;
      world.write('.claude.json', { mcpServers: { tiny: { command, args: [] } } });
      const server = await world.start(command, [], { cwd: world.root, env: process.env });
      assert.deepEqual(headlines(instanceOf(await settled(await world.observer()), server.pid)), []);
      act({ root, program, link });
      const known = instanceOf(await settled(await world.observer()), server.pid);
      assert.deepEqual(headlines(known), seen, JSON.stringify(known.findings));
      if (unknown) {
        assert.match(known.unknown ?? '', unknown);
      }
      const stranger = instanceOf(await settled(await world.observer({ runDir: join(world.root, 'late') })), server.pid);
      assert.deepEqual(headlines(stranger), late, JSON.stringify(stranger.findings));
    });
  }

  const long = process.env.TEST_LONG === '1' ? it : undefined;
  long?.('single binary: removed is called gone after ten seconds, and put back is well again', async () => {
    const program = binaryServer(join(world.root, 'mcp-tiny'));
    world.write('.claude.json', { mcpServers: { tiny: { command: program, args: [] } } });
    const server = await world.start(program, [], { cwd: world.root, env: process.env });
    const observer = await world.observer();
    await settled(observer);
    renameSync(program, `${program}.away`);
    rmSync(`${program}.away`);
    assert.deepEqual(headlines(instanceOf(await observer.survey(), server.pid)), []);
    assert.deepEqual(headlines(instanceOf(await settled(observer, 30_000), server.pid)), ['files-gone/proven']);
    binaryServer(program);
    assert.deepEqual(headlines(instanceOf(await settled(observer), server.pid)), []);
  });

  describe('interpreter', () => {
    let base: string;
    let venv: string;
    const env = (): NodeJS.ProcessEnv => cleanEnv(world.home);

    /** A Python of its own, whose program can be replaced: a copy with the real one's library. */
    async function start(extra: NodeJS.ProcessEnv = {}, prepare: (site: string) => void = () => {}): Promise<RunningServer> {
      venv = join(world.root, 'venv');
      const own = await ownPython(join(world.root, 'base'), venv, env());
      base = own.program;
      await pip(venv, 'install', 'stale-mcp==0.1.0', 'stalelib==1.0.0');
      const { site } = own;
      prepare(site);
      const command = venvPath(venv, 'stale-mcp');
      world.write('.claude.json', { mcpServers: { palace: { command, args: [] } } });
      return world.start(command, [], { cwd: world.root, env: { ...env(), ...extra } });
    }

    before(async function () {
      if (!(await findPython())) {
        console.log('skipped: no Python with venv and ensurepip on this machine');
        this.skip();
      }
    });

    it('a base interpreter upgraded under a virtual environment, and native code replaced without a trace in the metadata, are proven; the same again is nothing', async () => {
      let library = '';
      const { pid } = await start({ LD_PRELOAD: join(world.root, 'venv', 'native.so') }, (site) => {
        library = sharedLibrary(join(site, 'stalelib', '_native.so'), 10);
        symlinkSync(library, join(world.root, 'venv', 'native.so'));
      });
      assert.equal(statSync(`/proc/${pid}/exe`).ino, statSync(base).ino, 'the control: it runs on the copy');
      assert.deepEqual(headlines(instanceOf(await settled(await world.observer()), pid)), []);

      copyFileSync(base, `${base}.old`);
      copyFileSync(base, `${base}.new`);
      appendFileSync(`${base}.new`, 'a newer one');
      chmodSync(`${base}.new`, 0o755);
      renameSync(`${base}.new`, base);
      const upgraded = instanceOf(await settled(await world.observer()), pid);
      assert.deepEqual(headlines(upgraded), ['stale/interpreter/proven']);
      assert.match(
        upgraded.findings[0]?.message ?? '',
        /^runs on an old Python: .*venv\/bin\/python.* was (replaced|switched to another one)$/,
      );
      assert.equal(upgraded.package?.running, '0.1.0');
      const late = instanceOf(await settled(await world.observer({ runDir: join(world.root, 'late') })), pid);
      assert.deepEqual(headlines(late), ['stale/interpreter/proven'], 'an observer that comes afterwards');
      chmodSync(`${base}.old`, 0o755);
      renameSync(`${base}.old`, base);
      assert.deepEqual(headlines(instanceOf(await settled(await world.observer()), pid)), [], 'the same interpreter again');

      copyFileSync(library, `${library}.same`);
      renameSync(`${library}.same`, library);
      assert.deepEqual(headlines(instanceOf(await settled(await world.observer()), pid)), [], 'the same library, another file');
      renameSync(sharedLibrary(`${library}.other.so`, 2_000), library);
      const native = instanceOf(await settled(await world.observer()), pid);
      assert.deepEqual(headlines(native), ['stale/content/proven']);
      assertNames(native.findings[0]?.message, 'native', 'stalelib');
      await pip(venv, 'install', 'stalelib==1.1.0');
      const stranger = instanceOf(await settled(await world.observer({ runDir: join(world.root, 'later') })), pid);
      assert.deepEqual(headlines(stranger), ['stale/dependency/proven'], 'times alone would say likely');
    });
  });
});
