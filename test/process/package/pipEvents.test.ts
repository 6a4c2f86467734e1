import { deepEqual, equal, ok } from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, renameSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, before, beforeEach, describe, it } from 'mocha';
import type { ClosureReading, InstalledPackage, PackageRef } from '../../../src/model/package.ts';
import { diffClosures } from '../../../src/package/closureDiff.ts';
import { identifyPackage } from '../../../src/package/identifyPackage.ts';
import { readClosure } from '../../../src/package/readClosure.ts';
import { run } from './command.ts';
import { observe, type RunningServer, startServer } from './observe.ts';
import {
  buildWheel,
  cleanEnv,
  findPython,
  makeVenv,
  pip,
  pythonWheels,
  stalelib,
  staleMcp,
  venvPath,
  writeSource,
} from './pythonWheels.ts';

/** What an event does to a server that was started before it. */
interface Event {
  readonly what: string;
  readonly first?: string;
  readonly act: (venv: string, elsewhere: string) => unknown;
  /** "own upgrade", "stalelib downgrade" …; empty = nothing changed; "gone" when the package is. */
  readonly changes: readonly string[] | 'gone';
  /** Whether a late observer sees something newer than the process. */
  readonly evidence: boolean;
}

const events: readonly Event[] = [
  {
    what: 'upgrade of the package',
    act: (venv) => pip(venv, 'install', 'stale-mcp==0.2.0', 'stalelib==1.0.0'),
    changes: ['own upgrade'],
    evidence: true,
  },
  {
    what: 'upgrade of a dependency only',
    act: (venv) => pip(venv, 'install', 'stalelib==1.1.0'),
    changes: ['stalelib upgrade'],
    evidence: true,
  },
  {
    what: 'upgrade of both',
    act: (venv) => pip(venv, 'install', '-U', 'stale-mcp', 'stalelib'),
    changes: ['own upgrade', 'stalelib upgrade'],
    evidence: true,
  },
  {
    what: 'downgrade of a dependency',
    first: '1.1.0',
    act: (venv) => pip(venv, 'install', 'stalelib==1.0.0'),
    changes: ['stalelib downgrade'],
    evidence: true,
  },
  { what: 'uninstall of the package', act: (venv) => pip(venv, 'uninstall', '-y', 'stale-mcp'), changes: 'gone', evidence: false },
  {
    what: 'uninstall of a dependency',
    act: (venv) => pip(venv, 'uninstall', '-y', 'stalelib'),
    changes: ['stalelib removed'],
    evidence: false,
  },
  { what: 'removal of the environment', act: (venv) => rmSync(venv, { recursive: true }), changes: 'gone', evidence: false },
  {
    what: 'upgrade and roll-back',
    act: async (venv) => {
      await pip(venv, 'install', 'stalelib==1.1.0');
      await pip(venv, 'install', 'stalelib==1.0.0');
    },
    changes: [],
    evidence: true,
  },
  {
    what: 'the same version with other content',
    act: async (venv, elsewhere) => {
      await buildWheel({ ...stalelib('1.0.0'), append: '\nREBUILT = True\n' }, elsewhere);
      await pip(venv, 'install', '--force-reinstall', '--no-deps', join(elsewhere, 'stalelib-1.0.0-py3-none-any.whl'));
    },
    changes: ['stalelib content'],
    evidence: true,
  },
  { what: 'nothing', act: () => {}, changes: [], evidence: false },
  {
    what: 'an install with nothing to do',
    act: (venv) => pip(venv, 'install', 'stale-mcp==0.1.0', 'stalelib==1.0.0'),
    changes: [],
    evidence: false,
  },
  { what: 'an install of something unrelated', act: (venv) => pip(venv, 'install', 'unrelated'), changes: [], evidence: false },
  {
    what: 'compiled files written',
    act: (venv) => execFileSync(venvPath(venv, 'python'), ['-m', 'compileall', '-qf', siteOf(venv)]),
    changes: [],
    evidence: false,
  },
  { what: 'the environment moved and back', act: (venv, elsewhere) => moveAndBack(venv, elsewhere), changes: [], evidence: false },
  // The one case in which times are wrong: a window that recorded the content before proves it, a later one can only say "likely".
  {
    what: 'reinstall of the same version',
    act: (venv) => pip(venv, 'install', '--force-reinstall', 'stale-mcp==0.1.0', 'stalelib==1.0.0'),
    changes: [],
    evidence: true,
  },
  { what: 'chmod -R', act: (venv) => execFileSync('chmod', ['-R', 'g+w', venv]), changes: [], evidence: false },
  { what: 'touch of all sources', act: (venv) => touchSources(siteOf(venv)), changes: [], evidence: false },
  {
    what: 'a hard-linked copy elsewhere (cp -al), then removed',
    act: (venv, elsewhere) => linkAndRemove(venv, elsewhere),
    changes: [],
    evidence: false,
  },
  {
    what: 'the environment restored from a copy (cp -a)',
    act: (venv, elsewhere) => restore(venv, elsewhere),
    changes: [],
    evidence: false,
  },
];

function siteOf(venv: string): string {
  const [python = ''] = readdirSync(join(venv, 'lib'));
  return join(venv, 'lib', python, 'site-packages');
}

function touchSources(folder: string): void {
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (path.endsWith('.py')) {
      utimesSync(join(folder, path), new Date(), new Date());
    }
  }
}

function linkAndRemove(venv: string, elsewhere: string): void {
  execFileSync('cp', ['-al', venv, join(elsewhere, 'linked')]);
  rmSync(join(elsewhere, 'linked'), { recursive: true });
}

function moveAndBack(venv: string, elsewhere: string): void {
  renameSync(venv, join(elsewhere, 'moved'));
  renameSync(join(elsewhere, 'moved'), venv);
}

function restore(venv: string, elsewhere: string): void {
  execFileSync('cp', ['-a', venv, join(elsewhere, 'backup')]);
  rmSync(venv, { recursive: true });
  execFileSync('cp', ['-a', join(elsewhere, 'backup'), venv]);
}

function packagesOf(reading: ClosureReading): readonly InstalledPackage[] {
  ok(reading.status === 'ok', JSON.stringify(reading));
  return reading.packages;
}

describe('a Python server and what happens to its environment (pip)', function () {
  this.timeout(120_000);
  let temp: string;
  let server: RunningServer | undefined;

  before(async function () {
    if (process.platform === 'win32' || !existsSync('/proc/self/environ') || (await findPython()) === undefined) {
      console.log('skipped: needs Linux and a Python 3.8 or newer with venv and ensurepip');
      this.skip();
    }
    await pythonWheels();
  });
  beforeEach(() => {
    temp = realpathSync.native(mkdtempSync(join(tmpdir(), 'mcp-shepherd-pip-')));
    mkdirSync(join(temp, 'elsewhere'));
  });
  afterEach(async () => {
    await server?.stop();
    server = undefined;
    rmSync(temp, { recursive: true, force: true });
  });

  async function start(
    command: string,
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
  ): Promise<{ ref: PackageRef; packages: readonly InstalledPackage[]; server: RunningServer }> {
    server = await startServer(command, args, { cwd: temp, env: { ...cleanEnv(temp), PYTHONDONTWRITEBYTECODE: '1', ...env } });
    const seen = observe(server.pid);
    const found = identifyPackage(seen.row, seen.detail);
    ok('ref' in found, JSON.stringify(found));
    return { ref: found.ref, packages: packagesOf(readClosure(found.ref)), server };
  }

  // All of them in test:long; what a survey makes of the harmless ones is tried each time, in survey/falseAlarms.
  const each = [
    'upgrade of the package',
    'upgrade of a dependency only',
    'uninstall of a dependency',
    'removal of the environment',
    'upgrade and roll-back',
    'the same version with other content',
  ];
  for (const event of events.filter(({ what }) => process.env.TEST_LONG === '1' || each.includes(what))) {
    it(`${event.what}: ${event.changes === 'gone' ? 'gone' : event.changes.join(', ') || 'no change'}`, async () => {
      const venv = join(temp, 'v');
      await makeVenv(venv);
      await pip(venv, 'install', 'stale-mcp==0.1.0', `stalelib==${event.first ?? '1.0.0'}`);
      const begun = await start(venvPath(venv, 'stale-mcp'), []);
      deepEqual([begun.ref.environment, begun.ref.name, begun.packages.length], [venv, 'stale-mcp', 2]);
      ok(
        // The time of a file has parts of milliseconds, that of the start has none.
        begun.packages.every((item) => Math.floor(item.installedAt ?? Number.NaN) <= begun.server.startedAt),
        'all was installed before the start',
      );
      await event.act(venv, join(temp, 'elsewhere'));
      const reading = readClosure(begun.ref);
      if (event.changes === 'gone') {
        equal(reading.status, 'gone');
        return;
      }
      const now = packagesOf(reading);
      const { own, dependencies } = diffClosures(begun.packages, now);
      deepEqual(
        [...(own ? [`own ${own.direction}`] : []), ...dependencies.map((change) => `${change.name} ${change.direction}`)],
        event.changes,
      );
      equal(
        now.some((item) => (item.installedAt ?? 0) > begun.server.startedAt),
        event.evidence,
        'evidence for a late observer',
      );
      // The process itself still answers with what it had loaded: the control that makes a change matter.
      deepEqual(await begun.server.request('tools/call', { name: 'version' }), {
        content: [{ type: 'text', text: `{"stale-mcp": "0.1.0", "stalelib": "${event.first ?? '1.0.0'}"}` }],
      });
    });
  }

  it('is identified in every way that it can be launched', async () => {
    const venv = join(temp, 'v');
    await makeVenv(venv);
    await pip(venv, 'install', 'stale-mcp==0.1.0', 'stalelib==1.0.0');
    const module = join(siteOf(venv), 'stale_mcp');
    const ways: readonly [string, readonly string[], NodeJS.ProcessEnv, string][] = [
      [venvPath(venv, 'python'), [venvPath(venv, 'stale-mcp')], {}, venvPath(venv, 'stale-mcp')],
      [venvPath(venv, 'python'), ['-m', 'stale_mcp'], {}, module],
      [venvPath(venv, 'python'), ['-Im', 'stale_mcp.server'], {}, module],
      ['v/bin/python', ['-m', 'stale_mcp'], {}, module],
      ['python', ['-u', '-m', 'stale_mcp'], { PATH: `${join(venv, 'bin')}:${process.env.PATH}` }, module],
      [
        'bash',
        ['-c', `exec -a python ${venvPath(venv, 'python')} -m stale_mcp`],
        { PATH: `${join(venv, 'bin')}:${process.env.PATH}` },
        module,
      ],
    ];
    for (const [command, args, env, entry] of ways) {
      const begun = await start(command, args, env);
      deepEqual(begun.ref, { ecosystem: 'python', entry, environment: venv, name: 'stale-mcp' }, `${command} ${args.join(' ')}`);
      deepEqual(
        begun.packages.map((item) => `${item.name} ${item.version}`),
        ['stale-mcp 0.1.0', 'stalelib 1.0.0'],
      );
      await begun.server.stop();
    }
  });

  it('is source in place when it was installed with -e', async () => {
    const venv = join(temp, 'v');
    await makeVenv(venv);
    writeSource(staleMcp('0.1.0'), join(temp, 'source'));
    await pip(venv, 'install', 'stalelib==1.0.0', '-e', join(temp, 'source'));
    for (const [command, args] of [
      [venvPath(venv, 'stale-mcp'), []],
      [venvPath(venv, 'python'), ['-m', 'stale_mcp']],
    ] as const) {
      const begun = await start(command, args);
      deepEqual([begun.ref.name, begun.ref.editable, begun.packages.length], ['stale-mcp', true, 2]);
      await begun.server.stop();
    }
  });

  it('pipx: found, and the rebuild of its environment seen', async function () {
    const python = (await findPython()) ?? '';
    const pipx = (...args: readonly string[]): Promise<string> =>
      run('pipx', args, { cwd: temp, env: { ...cleanEnv(temp), PIPX_HOME: join(temp, 'px'), PIPX_BIN_DIR: join(temp, 'bin') } });
    if (
      await pipx('--version').then(
        () => false,
        () => true,
      )
    ) {
      console.log('skipped: pipx is not installed');
      this.skip();
    }
    const options = ['--python', python, '--pip-args', `--no-index --find-links ${await pythonWheels()}`];
    await pipx('install', ...options, 'stale-mcp==0.1.0');
    const begun = await start(join(temp, 'bin', 'stale-mcp'), []);
    deepEqual([begun.ref.environment, begun.ref.name], [join(temp, 'px/venvs/stale-mcp'), 'stale-mcp']);
    await pipx('install', '--force', ...options, 'stale-mcp==0.2.0');
    const { own } = diffClosures(begun.packages, packagesOf(readClosure(begun.ref)));
    deepEqual(own, { name: 'stale-mcp', running: '0.1.0', installed: '0.2.0', direction: 'upgrade' });
  });

  it('uvx (its layout made by hand; uv itself cannot be had here): hard-linked files with old times, one directory per resolution', async () => {
    const venv = join(temp, 'v');
    await makeVenv(venv);
    await pip(venv, 'install', 'stale-mcp==0.1.0', 'stalelib==1.0.0');
    const archive = join(temp, 'cache/archive-v0/Id1');
    cpSync(venv, archive, { recursive: true, verbatimSymlinks: true });
    const script = join(archive, 'bin/stale-mcp');
    execFileSync('sed', ['-i', `1s|.*|#!${archive}/bin/python|`, script]);
    const begun = await start(script, []);
    deepEqual([begun.ref.environment, begun.ref.entry], [archive, script]);
    // Another resolution is another directory: this one is not touched. A forced clean-up removes it.
    execFileSync('cp', ['-al', archive, join(temp, 'cache/archive-v0/Id2')]);
    deepEqual(diffClosures(begun.packages, packagesOf(readClosure(begun.ref))), { dependencies: [] });
    rmSync(join(temp, 'cache/archive-v0/Id1'), { recursive: true });
    equal(readClosure(begun.ref).status, 'gone');
  });
});
