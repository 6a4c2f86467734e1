// Root hooks of every mocha run: no snapshot that a test makes contradicts itself, whatever the test is about. Of the built programs and of the extension in an editor, which
// make their snapshots in processes of their own, the output and the logs count: there the surveyor reports what it had to correct.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../src/base/log.ts';
import { contradictsItself } from '../src/diagnosis/stale/packages.ts';
import type { ProcessTable } from '../src/model/process.ts';
import type { Snapshot } from '../src/model/snapshot.ts';
import { createSurveyor } from '../src/survey/machineSurveyor.ts';
import type { Surveyor } from '../src/survey/surveyor.ts';

/** What a snapshot says against itself: two versions without a reason, or the surveyor's own report that it had to correct that. */
export function faultsOf({ instances, problems }: Pick<Snapshot, 'instances' | 'problems'>): string[] {
  return [
    ...instances.filter(contradictsItself).map((instance) => `two versions and no reason: ${JSON.stringify(instance)}`),
    ...problems.filter(({ source }) => source === 'verdict').map(({ message }) => message),
  ];
}

/** Collects the faults of all snapshots of all surveyors of one class. */
export function watchSurveys(surveyor: Surveyor, faults: string[]): void {
  const all: Pick<Surveyor, 'survey'> = Object.getPrototypeOf(surveyor);
  const survey = all.survey;
  all.survey = async function (this: Surveyor) {
    const snapshot = await survey.call(this);
    faults.push(...faultsOf(snapshot));
    return snapshot;
  };
}

/** A table of processes made by hand. */
export function tableOf(rows: Awaited<ReturnType<ProcessTable['list']>>, detail: ProcessTable['detail']): ProcessTable {
  return {
    source: 'hand',
    list: async () => rows,
    pids: async () => rows.map(({ pid }) => pid),
    detail,
    isAlive: async () => true,
  };
}

/** The lines in which a surveyor reports that a snapshot contradicted itself. */
export function reportedFaults(text: string): string[] {
  return text.split('\n').filter((line) => line.includes('which MCP Shepherd cannot explain'));
}

/** The same lines in all logs below a folder. */
export function faultsInLogs(folder: string): string[] {
  const logs = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.log'));
  return logs.flatMap((name) => reportedFaults(readFileSync(join(folder, name), 'utf8')));
}

/** Takes the whole output of a built program: the test fails that made it say such a line. */
export function sawOutput(text: string): void {
  found.push(...reportedFaults(text));
}

const found: string[] = [];

export const mochaHooks = {
  async beforeAll(): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'every-snapshot-'));
    const surveyor = await createSurveyor({
      home: folder,
      platform: process.platform,
      env: {},
      runDir: folder,
      folders: [],
      vscodeUserDirs: [],
      log: silentLog,
      table: tableOf([], () => Promise.reject(new Error('it has no processes'))),
    });
    watchSurveys(surveyor, found);
    surveyor.dispose();
    rmSync(folder, { recursive: true, force: true });
  },
  afterEach(): void {
    const faults = found.splice(0);
    if (faults.length > 0) {
      throw new Error(`A snapshot contradicts itself: ${faults.join('\n')}`);
    }
  },
};
