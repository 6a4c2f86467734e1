import { deepEqual, equal, ok } from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, before, beforeEach, describe, it } from 'mocha';
import type { ClosureReading, InstalledPackage, PackageRef } from '../../../src/model/package.ts';
import { diffClosures } from '../../../src/package/closureDiff.ts';
import { identifyPackage } from '../../../src/package/identifyPackage.ts';
import { readClosure } from '../../../src/package/readClosure.ts';
import { makeProject, npm, npmEnv, servers } from './npmServers.ts';
import { observe, type RunningServer, startServer } from './observe.ts';

const { name: memory, bin, versions } = servers.memory;
const [older, newer] = versions;
const sdk = '@modelcontextprotocol/sdk';

interface Event {
  readonly what: string;
  /** Installed before; the older server with a newer library when not given. */
  readonly first?: readonly string[];
  readonly act: (project: string, elsewhere: string) => unknown;
  /** Must be among the changes; `none` = there must be no change at all; `gone` = the package is. */
  readonly changes: readonly string[] | 'none' | 'gone';
  /** No other changes than these. */
  readonly exactly?: boolean;
  readonly evidence: boolean;
}

const base = [`${memory}@${older}`, `${sdk}@1.32.2`];

const events: readonly Event[] = [
  {
    what: 'upgrade of the package',
    act: (project) => npm(project, 'install', `${memory}@${newer}`),
    changes: ['own upgrade'],
    evidence: true,
  },
  {
    what: 'downgrade of the package',
    first: [`${memory}@${newer}`],
    act: (project) => npm(project, 'install', `${memory}@${older}`),
    changes: ['own downgrade'],
    evidence: true,
  },
  {
    what: 'upgrade of a dependency only',
    first: [`${memory}@${older}`, `${sdk}@1.32.1`],
    act: (project) => npm(project, 'install', `${sdk}@1.32.2`),
    changes: [`${sdk} upgrade`],
    exactly: true,
    evidence: true,
  },
  {
    what: 'downgrade of a dependency only',
    act: (project) => npm(project, 'install', `${sdk}@1.32.1`),
    changes: [`${sdk} downgrade`],
    exactly: true,
    evidence: true,
  },
  { what: 'uninstall of the package', act: (project) => npm(project, 'uninstall', memory, sdk), changes: 'gone', evidence: false },
  { what: 'removal of the project', act: (project) => rmSync(project, { recursive: true }), changes: 'gone', evidence: false },
  { what: 'nothing', act: () => {}, changes: 'none', evidence: false },
  { what: 'an install with nothing to do', act: (project) => npm(project, 'install'), changes: 'none', evidence: false },
  {
    what: 'an unrelated development dependency',
    act: (project) => npm(project, 'install', '-D', 'is-number@7.0.0'),
    changes: 'none',
    evidence: false,
  },
  { what: 'chmod -R', act: (project) => execFileSync('chmod', ['-R', 'g+w', project]), changes: 'none', evidence: false },
  { what: 'touch of every file', act: (project) => touchAll(project), changes: 'none', evidence: false },
  // The case that birth times get wrong: see pipEvents.test.ts.
  {
    what: 'reinstall of the same version (npm ci)',
    act: async (project) => {
      rmSync(join(project, 'node_modules'), { recursive: true });
      await npm(project, 'ci');
    },
    changes: 'none',
    evidence: true,
  },
  {
    what: 'a hard-linked copy elsewhere (cp -al), then removed',
    act: (project, elsewhere) => linkAndRemove(project, elsewhere),
    changes: 'none',
    evidence: false,
  },
  {
    what: 'the same package installed in another project by hard links, as pnpm and bun do',
    act: (project, elsewhere) => linkInto(join(project, 'node_modules', memory), join(elsewhere, 'node_modules', memory)),
    changes: 'none',
    evidence: false,
  },
  { what: 'the project moved and back', act: (project, elsewhere) => moveAndBack(project, elsewhere), changes: 'none', evidence: false },
  // New directories whose files kept their times: a copy, and no install (birthTimes.ts).
  {
    what: 'the project restored from a copy (cp -a)',
    act: (project, elsewhere) => restore(project, elsewhere),
    changes: 'none',
    evidence: false,
  },
];

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function touchAll(folder: string): void {
  for (const path of filesBelow(folder)) {
    utimesSync(path, new Date(), new Date());
  }
}

function linkAndRemove(project: string, elsewhere: string): void {
  execFileSync('cp', ['-al', project, join(elsewhere, 'linked')]);
  rmSync(join(elsewhere, 'linked'), { recursive: true });
}

function linkInto(from: string, to: string): void {
  for (const path of filesBelow(from)) {
    const target = join(to, path.slice(from.length));
    mkdirSync(dirname(target), { recursive: true });
    linkSync(path, target);
  }
}

function moveAndBack(project: string, elsewhere: string): void {
  renameSync(project, join(elsewhere, 'moved'));
  renameSync(join(elsewhere, 'moved'), project);
}

function restore(project: string, elsewhere: string): void {
  execFileSync('cp', ['-a', project, join(elsewhere, 'backup')]);
  rmSync(project, { recursive: true });
  execFileSync('cp', ['-a', join(elsewhere, 'backup'), project]);
}

function packagesOf(reading: ClosureReading): readonly InstalledPackage[] {
  ok(reading.status === 'ok', JSON.stringify(reading));
  return reading.packages;
}

describe('a Node server and what happens to its packages (npm)', function () {
  this.timeout(120_000);
  let temp: string;
  let server: RunningServer | undefined;

  before(function () {
    if (!existsSync('/proc/self/environ')) {
      console.log('skipped: reads the arguments of its servers from /proc');
      this.skip();
    }
  });
  beforeEach(() => {
    temp = realpathSync.native(mkdtempSync(join(tmpdir(), 'mcp-shepherd-npm-')));
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
    server = await startServer(command, args, { cwd: temp, env: { ...(await npmEnv()), ...env } });
    const seen = observe(server.pid);
    const found = identifyPackage(seen.row, seen.detail);
    ok('ref' in found, JSON.stringify(found));
    return { ref: found.ref, packages: packagesOf(readClosure(found.ref)), server };
  }

  // All of them in test:long; what a survey makes of the harmless ones is tried each time, in survey/falseAlarms.
  const each = [
    'upgrade of the package',
    'upgrade of a dependency only',
    'removal of the project',
    'reinstall of the same version (npm ci)',
  ];
  for (const event of events.filter(({ what }) => process.env.TEST_LONG === '1' || each.includes(what))) {
    it(`${event.what}: ${typeof event.changes === 'string' ? event.changes : event.changes.join(', ')}`, async () => {
      const project = join(temp, 'p');
      await makeProject(project, event.first ?? base);
      const begun = await start(join(project, 'node_modules/.bin', bin), []);
      deepEqual(begun.ref, { ecosystem: 'npm', entry: join(project, 'node_modules/.bin', bin), environment: project, name: memory });
      ok(
        // The time of a file has parts of milliseconds, that of the start has none.
        begun.packages.length > 50 && begun.packages.every((item) => Math.floor(item.installedAt ?? Number.NaN) <= begun.server.startedAt),
        'all was installed before the start',
      );
      ok(
        begun.packages.every((item, index) => item.content?.startsWith(index === 0 ? 'code-' : 'sha')),
        'the code of its own package is compared, and of the others what npm recorded',
      );
      await event.act(project, join(temp, 'elsewhere'));
      const reading = readClosure(begun.ref);
      if (event.changes === 'gone') {
        equal(reading.status, 'gone', JSON.stringify(reading));
        return;
      }
      const now = packagesOf(reading);
      const { own, dependencies } = diffClosures(begun.packages, now);
      const changes = [...(own ? [`own ${own.direction}`] : []), ...dependencies.map((change) => `${change.name} ${change.direction}`)];
      if (event.changes === 'none' || event.exactly) {
        deepEqual(changes, event.changes === 'none' ? [] : event.changes);
      } else {
        ok(
          event.changes.every((change) => changes.includes(change)),
          changes.join(', '),
        );
      }
      equal(
        now.some((item) => (item.installedAt ?? 0) > begun.server.startedAt),
        event.evidence,
        'evidence for a late observer',
      );
    });
  }

  it('reads another published server too (two in test:long)', async () => {
    const others = [
      [servers.filesystem, temp],
      [servers.everything, 'stdio'],
    ] as const;
    for (const [{ name, bin: command, versions: all }, argument] of others.slice(0, process.env.TEST_LONG === '1' ? 2 : 1)) {
      const project = join(temp, command);
      await makeProject(project, [`${name}@${all[1]}`]);
      const begun = await start(join(project, 'node_modules/.bin', command), [argument]);
      deepEqual([begun.packages[0]?.name, begun.packages[0]?.version], [name, all[1]]);
      await begun.server.stop();
    }
  });

  it('global install: the package’s own node_modules, without a lock file', async () => {
    const prefix = join(temp, 'prefix');
    await npm(temp, 'install', '-g', '--prefix', prefix, `${memory}@${older}`);
    const begun = await start(join(prefix, 'bin', bin), []);
    deepEqual(begun.ref, { ecosystem: 'npm', entry: join(prefix, 'bin', bin), environment: join(prefix, 'lib'), name: memory });
    ok(begun.packages.length > 50);
    await npm(temp, 'install', '-g', '--prefix', prefix, `${memory}@${newer}`);
    const now = packagesOf(readClosure(begun.ref));
    deepEqual(diffClosures(begun.packages, now).own, { name: memory, running: older, installed: newer, direction: 'upgrade' });
    ok((now[0]?.installedAt ?? 0) > begun.server.startedAt);
  });

  it('finds a server that set its title, through what npm exec left in its environment', async () => {
    const project = join(temp, 'p');
    const home = join(project, 'node_modules/titled');
    mkdirSync(home, { recursive: true });
    mkdirSync(join(project, 'node_modules/.bin'));
    writeFileSync(join(project, 'package.json'), '{"name":"project","version":"1.0.0"}');
    writeFileSync(join(home, 'package.json'), '{"name":"titled","version":"3.2.1","bin":"i.js"}');
    const code = `#!/usr/bin/env node
process.title = 'my mcp';
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id } = JSON.parse(line);
  console.log(JSON.stringify({ jsonrpc: '2.0', id, result: { pid: process.pid } }));
});\n`;
    writeFileSync(join(home, 'i.js'), code, { mode: 0o755 });
    symlinkSync('../titled/i.js', join(project, 'node_modules/.bin/titled'));
    const launcher = await startServer('npm', ['exec', '--offline', '--', 'titled'], { cwd: project, env: await npmEnv() });
    server = launcher;
    const answer = await launcher.request('ping');
    ok(typeof answer === 'object' && answer !== null && 'pid' in answer);
    const { row, detail } = observe(Number(answer.pid));
    equal(readFileSync(`/proc/${Number(answer.pid)}/cmdline`, 'utf8').replace(/\0+$/, ''), 'my mcp');
    const found = identifyPackage({ ...row, argvExact: false }, detail);
    deepEqual(found, { ref: { ecosystem: 'npm', entry: join(project, 'node_modules/.bin/titled'), environment: project, name: 'titled' } });
    // The launcher itself, whose title npm wrote, is not the package.
    const above = observe(launcher.pid);
    ok('unknown' in identifyPackage(above.row, above.detail));
  });
});
