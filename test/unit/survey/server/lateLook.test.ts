// An observer that first looks after a link was moved to a release that was installed after the start. What the link led to then is concluded from the releases beside it.
import { deepEqual } from 'node:assert/strict';
import { chmodSync, rmSync } from 'node:fs';
import { describe, it } from 'mocha';
import { startToleranceMs } from '../../../../src/diagnosis/stale/baseline.ts';
import { untilPast } from '../../../until.ts';
import { distInfo, type Tree } from '../../package/tree.ts';
import { HandMadeScan, node, script, staleLabels } from './handMadeScan.ts';

/** Below `node_modules`, with a dependency. */
const installed = (folder: string, version: string, below = '1.0.0'): Tree => ({
  [`${folder}/node_modules/tiny-mcp/package.json`]: { name: 'tiny-mcp', version, dependencies: { below: '*' } },
  [`${folder}/node_modules/tiny-mcp/server.js`]: '// code\n',
  [`${folder}/node_modules/below/package.json`]: { name: 'below', version: below },
});
/** Without `node_modules`. */
const unpacked = (folder: string, version: string): Tree => ({
  [`${folder}/package.json`]: { name: 'tiny-mcp', version },
  [`${folder}/server.js`]: '// code\n',
});
const environment = (folder: string, version: string, below = '1.0.0'): Tree => {
  const site = `${folder}/lib/python3.11/site-packages`;
  return {
    [`${folder}/pyvenv.cfg`]: 'home = /usr/bin\nversion = 3.11.2\n',
    [`${folder}/bin/python`]: '',
    ...distInfo(site, 'tiny', version, { requires: ['below'] }),
    ...distInfo(site, 'below', below),
    [`${site}/tiny/__init__.py`]: '',
    [`${site}/tiny/__main__.py`]: '',
  };
};

type Make = (folder: string, version: string, below?: string) => Tree;
type Release = readonly [version: string, below?: string];

interface Case {
  /** Older than the process. */
  readonly old: readonly Release[];
  /** Of them, removed before the first look. */
  readonly removed?: number;
  /** The link leads there now. */
  readonly now: Release;
}

const cases = {
  'the same versions': { old: [['1.0.0']], now: ['1.0.0'] },
  'the same versions, in several': { old: [['1.0.0'], ['1.0.0']], now: ['1.0.0'] },
  'another version': { old: [['1.0.0']], now: ['1.1.0'] },
  'another version of a dependency': { old: [['1.0.0', '0.9.0']], now: ['1.0.0'] },
  'other versions, and the same': { old: [['0.9.0'], ['1.0.0']], now: ['1.0.0'] },
  'other versions only': { old: [['0.9.0'], ['1.0.0']], now: ['1.1.0'] },
  'the only one was removed': { old: [['1.0.0']], removed: 1, now: ['1.1.0'] },
} as const satisfies Readonly<Record<string, Case>>;
type CaseName = keyof typeof cases;

describe('a link was moved to a younger release before the first look', function () {
  this.timeout(120_000);
  const scan = new HandMadeScan();
  const { at, write, entries, observe, look } = scan;

  /** What is said of each case: running and installed version, the stale findings, `unknown`. */
  async function saidOf(make: Make, command: (folder: string) => readonly string[], exe: string): Promise<Record<string, unknown[]>> {
    const all: [string, Case][] = Object.entries(cases);
    for (const [index, [, { old }]] of all.entries()) {
      for (const [number, release] of old.entries()) {
        write(make(`case${index}/releases/${number}`, ...release));
      }
    }
    scan.startedAt = Date.now() + startToleranceMs + 100;
    await untilPast(scan.startedAt, startToleranceMs + 200);
    const said: Record<string, unknown[]> = {};
    for (const [index, [name, { removed = 0, now }]] of all.entries()) {
      const folder = `case${index}`;
      write({ ...make(`${folder}/releases/new`, ...now), [`${folder}/now`]: { link: 'releases/new' } });
      for (let number = 0; number < removed; number += 1) {
        rmSync(at(folder, 'releases', `${number}`), { recursive: true });
      }
      const argv = command(`${folder}/now`);
      chmodSync(argv[0]?.startsWith(scan.tree.root) ? argv[0] : at(folder, 'releases/new'), 0o755);
      entries(argv);
      await observe({ argv, exe, cwd: scan.tree.root }, `run${index}`);
      const found = await look();
      const { running, installed: there } = found.package ?? {};
      said[name] = [running, there, ...staleLabels(found), ...(found.unknown === undefined ? [] : ['unknown'])];
    }
    return said;
  }

  const read: Record<CaseName, unknown[]> = {
    'the same versions': ['1.0.0', '1.0.0'],
    'the same versions, in several': ['1.0.0', '1.0.0'],
    'another version': ['1.0.0', '1.1.0', 'stale/replaced-beside/likely'],
    'another version of a dependency': ['1.0.0', '1.0.0', 'stale/replaced-beside/likely'],
    'other versions, and the same': [null, '1.0.0', 'unknown'],
    'other versions only': [null, '1.1.0', 'stale/package/likely', 'unknown'],
    'the only one was removed': [null, '1.1.0', 'stale/package/likely', 'unknown'],
  };

  it('npm packages', async () => {
    deepEqual(await saidOf(installed, (folder) => [node, at(folder, script)], node), read);
  });

  it('Python environments', async () => {
    deepEqual(await saidOf(environment, (folder) => [at(folder, 'bin/python'), '-m', 'tiny'], '/usr/bin/python3.11'), read);
  });

  it('code without `node_modules`: where the versions are the same, its source may differ', async () => {
    deepEqual(await saidOf(unpacked, (folder) => [node, at(folder, 'server.js')], node), {
      ...read,
      'the same versions': ['1.0.0', '1.0.0', 'unknown'],
      'the same versions, in several': ['1.0.0', '1.0.0', 'unknown'],
      'another version of a dependency': ['1.0.0', '1.0.0', 'unknown'],
      'the only one was removed': [null, '1.1.0', 'unknown'],
    });
  });

  it('a release whose folder has the name of its version was made anew: the same version is nothing, another one is stale', async () => {
    const release = (folder: string, version: string): Tree => ({
      [`${folder}/node_modules/tiny-mcp/package.json`]: { name: 'tiny-mcp', version },
      [`${folder}/node_modules/tiny-mcp/server.js`]: '',
    });
    scan.startedAt = Date.now();
    await untilPast(scan.startedAt, startToleranceMs + 200);
    for (const [folder, version, wanted] of [
      ['releases/1.0.0', '1.0.0', ['1.0.0', []]],
      ['releases/tiny-1.0.0', '1.0.0', ['1.0.0', []]],
      ['releases/1.0.0', '1.1.0', [null, ['stale/package/likely']]],
      ['releases/11.0.0', '1.0.0', [null, ['stale/package/likely']]],
      ['releases/current', '1.0.0', [null, ['stale/package/likely']]],
    ] as const) {
      write(release(folder, version));
      const argv = [node, at(folder, script)];
      entries(argv);
      await observe({ argv, cwd: scan.tree.root }, `${folder} ${version}`);
      const found = await look();
      deepEqual([found.package?.running, staleLabels(found)], wanted, `${version} in ${folder}`);
    }
  });
});
