import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { waitFor } from '../../../scripts/system/waitFor.ts';
import { silentLog } from '../../../src/base/log.ts';
import type { ProcessIdentity } from '../../../src/model/process.ts';
import { ProcTable } from '../../../src/process/linux/procTable.ts';
import type { LiveSurvey } from '../../../src/survey/liveSurvey.ts';
import { readPublished } from '../../../src/survey/publishedSnapshot.ts';
import { startSharedSurvey } from '../../../src/survey/sharedSurvey.ts';
import { onlyOnLinux } from '../onlyOnLinux.ts';
import { makeWorld, type World } from './world.ts';

const version = '1.0.0';

describe('One look for all windows', function () {
  this.timeout(60_000);
  const table = new ProcTable();
  let folder: string;
  let world: World;
  let own: ProcessIdentity;
  const open: LiveSurvey[] = [];
  const children: ChildProcess[] = [];

  onlyOnLinux('the kernel lock was not run on this system yet');
  beforeEach(async () => {
    world = makeWorld();
    folder = mkdtempSync(join(tmpdir(), 'scanner-'));
    const row = (await table.list()).find(({ pid }) => pid === process.pid);
    assert.ok(row);
    own = row.identity;
  });
  afterEach(async () => {
    for (const survey of open.splice(0)) {
      survey.dispose();
    }
    for (const child of children.splice(0)) {
      child.kill('SIGKILL');
    }
    rmSync(folder, { recursive: true, force: true });
    await world.remove();
  });

  /** A window: its survey, and how often it has looked itself. */
  async function window(): Promise<{ survey: LiveSurvey; looks: () => number; names: () => string[] | undefined }> {
    const surveyor = await world.observer();
    let looks = 0;
    const real = surveyor.survey.bind(surveyor);
    surveyor.survey = () => {
      looks += 1;
      return real();
    };
    const survey = await startSharedSurvey({ folder, surveyor, own, table, version, log: silentLog, checkMs: 100 });
    open.push(survey);
    return { survey, looks: () => looks, names: () => survey.snapshot?.definitions.map(({ name }) => name) };
  }
  const configure = (...names: string[]): void => {
    world.write('.cursor/mcp.json', { mcpServers: Object.fromEntries(names.map((name) => [name, { command: name }])) });
  };

  it('one looks, the others show what it sees, also what changes later', async () => {
    configure('one');
    const first = await window();
    await waitFor('its first look', () => first.names());
    const [second, third] = [await window(), await window()];
    await waitFor('the others to show it', () => second.names()?.length === 1 && third.names()?.length === 1);
    const before = [second.looks(), third.looks()];
    configure('one', 'two');
    await waitFor('the others to show the change', () => second.names()?.length === 2 && third.names()?.length === 2);
    assert.deepEqual([second.looks(), third.looks()], before, 'they did not look');
    assert.ok(first.looks() > 1);
  });

  it('asked to look afresh, a window looks for itself', async () => {
    configure('one');
    await waitFor('the first look', (await window()).names);
    const second = await window();
    const before = second.looks();
    configure('one', 'two', 'three');
    assert.equal((await second.survey.refresh()).definitions.length, 3);
    assert.equal(second.looks(), before + 1);
  });

  it('when the one who looks has gone, another does', async () => {
    configure('one');
    const first = await window();
    await waitFor('the first look', first.names);
    const second = await window();
    first.survey.dispose();
    configure('one', 'two');
    await waitFor('the second to look', () => second.looks() > 0 && second.names()?.length === 2);
    assert.equal(readPublished(folder, version)?.snapshot.definitions.length, 2);
  });

  it('when the one who looks was killed, another does', async () => {
    configure('one');
    const script = join(import.meta.dirname, 'scannerWindow.ts');
    const child = spawn(process.execPath, ['--no-warnings', script, folder, world.home, world.runDir, version], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    await new Promise((done) => createInterface({ input: child.stdout }).once('line', done));
    const second = await window();
    await waitFor('what it has seen', second.names);
    const before = second.looks();
    const gone = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await gone;
    configure('one', 'two');
    await waitFor('the second to look', () => second.looks() > before && second.names()?.length === 2);
  });

  it('does not believe another version', async () => {
    configure('one');
    const first = await window();
    await waitFor('the first look', first.names);
    assert.equal(readPublished(folder, '9.9.9'), undefined);
  });
});
