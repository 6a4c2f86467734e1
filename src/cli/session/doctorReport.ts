import { lstatSync } from 'node:fs';
import type { Problem } from '../../model/problem.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { SurveyReport } from '../../survey/surveyor.ts';
import type { RunFolderOption } from './openSession.ts';

/** `broken`: it is there and something in it cannot be used; the problem says why. `hidden`: the system does not let us look whether it is there. */
export type FileState = 'found' | 'broken' | 'hidden' | 'absent';

export interface LookedAtFile {
  readonly file: string;
  readonly state: FileState;
  /** Names of the clients whose file it is. */
  readonly clients: readonly string[];
  /** How many entries. */
  readonly entries: number;
}

/** What was looked at and what came of it; what `doctor --json` prints. */
export interface DoctorReport {
  readonly schema: 1;
  /** ISO 8601. */
  readonly at: string;
  readonly version: string;
  readonly node: { readonly version: string; readonly path: string };
  readonly platform: string;
  readonly home: string;
  readonly runFolder: RunFolderOption & { readonly exists: boolean };
  readonly processes: { readonly source: string; readonly count: number; readonly bootIdKnown: boolean; readonly pidNamespace: string };
  /** Project folders that were searched: those asked for first, then those that the clients name. */
  readonly folders: readonly string[];
  readonly files: readonly LookedAtFile[];
  readonly clients: readonly { readonly id: string; readonly name: string; readonly entries: number; readonly servers: number }[];
  /** Servers of which something is not known, and why. */
  readonly unknown: readonly { readonly name: string; readonly pid: number; readonly reason: string }[];
  /** Programs that hold locks and are no MCP servers as far as known. */
  readonly otherHolders: NonNullable<Snapshot['otherHolders']>;
  readonly problems: readonly Problem[];
}

/** Puts together what the last survey looked at. Looks at each candidate file again, by `stat` only. */
export function doctorReport(
  snapshot: Snapshot,
  report: SurveyReport,
  machine: Pick<DoctorReport, 'version' | 'node' | 'platform' | 'home' | 'folders'> & { readonly runFolder: RunFolderOption },
): DoctorReport {
  const clients = [...new Map([...snapshot.clients, ...report.clients].map((client) => [client.id, client])).values()];
  const names = new Map(clients.map((client) => [client.id, client.name]));
  const owners = new Map(report.files.map(({ path, client }) => [path, client]));
  const broken = new Set(
    snapshot.problems.flatMap((problem) => (problem.source === 'config' && problem.file !== undefined ? [problem.file] : [])),
  );
  const files = [
    ...new Set([
      ...report.files.map(({ path }) => path).filter((path) => !isFolder(path)),
      ...snapshot.definitions.map(({ file }) => file),
      ...broken,
    ]),
  ].map((file): LookedAtFile => {
    const entries = snapshot.definitions.filter((definition) => definition.file === file);
    const owner = owners.get(file);
    const whose = [...new Set([...(owner === undefined ? [] : [owner]), ...entries.map((definition) => definition.client)])];
    return {
      file,
      state: broken.has(file) ? 'broken' : look(file),
      clients: whose.map((id) => names.get(id) ?? id),
      entries: entries.length,
    };
  });
  return {
    schema: 1,
    at: snapshot.at,
    version: machine.version,
    node: machine.node,
    platform: machine.platform,
    home: machine.home,
    runFolder: { ...machine.runFolder, exists: look(machine.runFolder.path) === 'found' },
    processes: {
      source: report.processSource,
      count: report.processCount,
      bootIdKnown: report.bootId !== '',
      pidNamespace: report.pidNamespace,
    },
    folders: [...new Set([...machine.folders, ...report.folders])],
    files,
    clients: clients.map(({ id, name }) => ({
      id,
      name,
      entries: snapshot.definitions.filter((definition) => definition.client === id).length,
      servers: snapshot.instances.filter((instance) => instance.client?.id === id).length,
    })),
    unknown: snapshot.instances.flatMap(({ name, pid, unknown }) => (unknown === undefined ? [] : [{ name, pid, reason: unknown }])),
    otherHolders: snapshot.otherHolders ?? [],
    problems: snapshot.problems,
  };
}

/** Folders are watched for the names that come and go in them; they hold no entries. */
function isFolder(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch {
    return false;
  }
}

/** A link that leads nowhere is there, too: it is what the person sees. */
function look(file: string): 'found' | 'hidden' | 'absent' {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) === undefined ? 'absent' : 'found';
  } catch {
    return 'hidden';
  }
}
