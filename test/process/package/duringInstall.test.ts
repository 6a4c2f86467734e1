import { deepEqual, ok } from 'node:assert/strict';
import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { InstalledPackage, PackageRef } from '../../../src/model/package.ts';
import { diffClosures } from '../../../src/package/closureDiff.ts';
import { MetadataCache } from '../../../src/package/metadataCache.ts';
import { readClosure } from '../../../src/package/readClosure.ts';
import { until, untilPast } from '../../until.ts';
import { makeProject, npm, servers } from './npmServers.ts';
import { findPython, makeVenv, pip, venvPath } from './pythonWheels.ts';

/** No verdict on an environment that changed less than this ago (ARCHITECTURE.md, invariant 1). */
const quietMs = 500;

/** Reads the closure again and again while an installer works, and until the result is believed. @returns the differences that count as settled, in order, without repeats */
async function believed(
  ref: PackageRef,
  before: readonly InstalledPackage[],
  install: () => Promise<unknown>,
): Promise<{ readonly seen: readonly string[]; readonly readings: number }> {
  const cache = new MetadataCache();
  const seen: string[] = [];
  let readings = 0;
  let done = false;
  const read = (): boolean => {
    const now = Date.now();
    const reading = readClosure(ref, cache, now);
    readings += 1;
    const isBelieved = reading.status === 'ok' && now - reading.changedAt >= quietMs;
    if (isBelieved) {
      const { own, dependencies } = diffClosures(before, reading.packages);
      const text = [...(own ? [own] : []), ...dependencies]
        .map((change) => `${change.name} ${change.running} ${change.installed ?? '-'} ${change.direction}`)
        .join('; ');
      if (seen.at(-1) !== text) {
        seen.push(text);
      }
    }
    return isBelieved;
  };
  const installing = install().finally(() => {
    done = true;
  });
  while (!done) {
    read();
    // The delay is the subject: the installer gets its turn, and there are many readings. With the full counts, nearly all of the time is spent on them.
    await delay(process.env.TEST_LONG === '1' ? 2 : 10);
  }
  await installing;
  await until('the installed environment is believed', read);
  return { seen, readings };
}

function packagesOf(ref: PackageRef): readonly InstalledPackage[] {
  const reading = readClosure(ref);
  ok(reading.status === 'ok');
  return reading.packages;
}

/** Waits until the environment has been quiet for so long that its packages are believed. */
async function quiet(ref: PackageRef): Promise<void> {
  const reading = readClosure(ref);
  ok(reading.status === 'ok');
  await untilPast(reading.changedAt, quietMs);
}

describe('an environment while an installer works on it', function () {
  this.timeout(120_000);
  let temp: string;
  beforeEach(() => {
    temp = realpathSync.native(mkdtempSync(join(tmpdir(), 'mcp-shepherd-during-')));
  });
  afterEach(() => rmSync(temp, { recursive: true, force: true }));

  it('npm: nothing that is half done is believed; then the whole change is, at once', async () => {
    const { name, bin, versions } = servers.memory;
    const project = join(temp, 'p');
    await makeProject(project, [`${name}@${versions[0]}`, '@modelcontextprotocol/sdk@1.32.1']);
    const ref: PackageRef = { ecosystem: 'npm', entry: join(project, 'node_modules/.bin', bin), environment: project, name };
    const before = packagesOf(ref);
    await quiet(ref);
    const { seen, readings } = await believed(ref, before, () =>
      npm(project, 'install', `${name}@${versions[1]}`, '@modelcontextprotocol/sdk@1.32.2'),
    );
    const { own, dependencies } = diffClosures(before, packagesOf(ref));
    const last = [...(own ? [own] : []), ...dependencies]
      .map((change) => `${change.name} ${change.running} ${change.installed ?? '-'} ${change.direction}`)
      .join('; ');
    deepEqual(seen, ['', last]);
    ok(last.includes('sdk 1.32.1 1.32.2 upgrade') && readings > 20, `${readings} readings`);
  });

  it('pip: the same', async function () {
    if (!existsSync('/proc') || (await findPython()) === undefined) {
      console.log('skipped: needs Linux and a Python 3.8 or newer with venv and ensurepip');
      this.skip();
    }
    const venv = join(temp, 'v');
    await makeVenv(venv);
    await pip(venv, 'install', 'stale-mcp==0.1.0', 'stalelib==1.0.0');
    const ref: PackageRef = { ecosystem: 'python', entry: venvPath(venv, 'stale-mcp'), environment: venv, name: 'stale-mcp' };
    const before = packagesOf(ref);
    await quiet(ref);
    const { seen, readings } = await believed(ref, before, () => pip(venv, 'install', '-U', 'stale-mcp', 'stalelib'));
    deepEqual(seen, ['', 'stale-mcp 0.1.0 0.2.0 upgrade; stalelib 1.0.0 1.1.0 upgrade']);
    ok(readings > 20, `${readings} readings`);
  });
});
