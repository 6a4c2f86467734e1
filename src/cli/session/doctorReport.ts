import { lstatSync } from 'node:fs';
import type { HealthNote } from '../../model/entryHealth.ts';
import type { Problem } from '../../model/problem.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { SurveyReport } from '../../survey/surveyor.ts';
import type { RunFolderOption } from './openSession.ts';

/** `broken`: the file exists and part of it cannot be used; the problems say why. `hidden`: its folder cannot be read. */
type FileState = 'found' | 'broken' | 'hidden' | 'absent';

export interface SearchedFile {
  readonly file: string;
  readonly state: FileState;
  /** Names of the clients whose file it is. */
  readonly clients: readonly string[];
  /** How many entries. */
  readonly entries: number;
}

/** The places that were searched, and the files found; `doctor --json` prints it. */
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
  /** Project folders that were searched: first those of the command line, then those that clients name. */
  readonly folders: readonly string[];
  readonly files: readonly SearchedFile[];
  readonly clients: readonly {
    readonly id: string;
    readonly name: string;
    /** It was installed or used on this machine, or runs. */
    readonly present: boolean;
    readonly entries: number;
    readonly servers: number;
  }[];
  /** Servers about which something is unknown, and why. */
  readonly unknown: readonly { readonly name: string; readonly pid: number; readonly reason: string }[];
  /** Programs that hold locks and are not known to be MCP servers. */
  readonly otherHolders: NonNullable<Snapshot['otherHolders']>;
  /** Remarks about entries as their files have them. */
  readonly health: readonly HealthNote[];
  readonly problems: readonly Problem[];
}

/** Reports what the last scan searched. Each candidate file is checked again with `lstat`. */
export function doctorReport(
  snapshot: Snapshot,
  report: SurveyReport,
  machine: Pick<DoctorReport, 'version' | 'node' | 'platform' | 'home' | 'folders'> & { readonly runFolder: RunFolderOption },
): DoctorReport {
  const clients = [...new Map([...snapshot.clients, ...report.clients].map((client) => [client.id, client])).values()];
  const present = new Set([
    ...snapshot.clients.map(({ id }) => id),
    ...report.clients.flatMap(({ id, present: isPresent }) => (isPresent ? [id] : [])),
  ]);
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
  ].map((file): SearchedFile => {
    const entries = snapshot.definitions.filter((definition) => definition.file === file);
    const owner = owners.get(file);
    const clientIds = [...new Set([...(owner === undefined ? [] : [owner]), ...entries.map((definition) => definition.client)])];
    return {
      file,
      state: broken.has(file) ? 'broken' : stateOf(file),
      clients: clientIds.map((id) => names.get(id) ?? id),
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
    runFolder: { ...machine.runFolder, exists: stateOf(machine.runFolder.path) === 'found' },
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
      present: present.has(id),
      entries: snapshot.definitions.filter((definition) => definition.client === id).length,
      servers: snapshot.instances.filter((instance) => instance.client?.id === id).length,
    })),
    unknown: snapshot.instances.flatMap(({ name, pid, unknown }) => (unknown === undefined ? [] : [{ name, pid, reason: unknown }])),
    otherHolders: snapshot.otherHolders ?? [],
    health: snapshot.health ?? [],
    problems: snapshot.problems,
  };
}

/** Whether it is a folder: these are watched for new files and hold no entries. */
function isFolder(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch {
    return false;
  }
}

/** A dangling link counts as found: the user sees it in the folder. */
function stateOf(file: string): 'found' | 'hidden' | 'absent' {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) === undefined ? 'absent' : 'found';
  } catch {
    return 'hidden';
  }
}
