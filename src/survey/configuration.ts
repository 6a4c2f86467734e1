import { stat } from 'node:fs';
import { promisify } from 'node:util';
import { errorName } from '../base/errors.ts';
import { t } from '../base/language/translate.ts';
import { type ConfigReading, discoverDefinitions } from '../config/discovery/discoverDefinitions.ts';
import type { RawDefinition } from '../model/definition.ts';
import type { Problem } from '../model/problem.ts';
import type { ProcessDetail, ProcessIdentity, ProcessRow, ProcessTable } from '../model/process.ts';
import { ensuredEntries } from './facts/ensured.ts';
import { openWindows } from './facts/windows.ts';
import type { Attributed } from './match/attributeServers.ts';
import { definitionLaunches } from './match/launchFit.ts';
import { endpointOf } from './ports/endpoint.ts';
import type { SurveyOptions } from './surveyor.ts';

/** The directories that servers and their clients run in: configuration files of their projects are there or above. */
async function workingDirs(
  attributed: readonly Attributed[],
  detail: (row: ProcessRow) => Promise<ProcessDetail>,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const one of attributed) {
    for (const { cwd } of one.client ? [one.detail, await detail(one.client.row)] : [one.detail]) {
      if (cwd !== undefined && cwd !== '/') {
        found.add(cwd);
      }
    }
  }
  return found;
}

/** Why an entry cannot be used: its command is parsed here for the first time, and what this one throws must not cost the others. */
function parsingProblem(definition: RawDefinition): Problem | undefined {
  try {
    definitionLaunches(definition);
    return undefined;
  } catch (error) {
    const { name, file, line } = definition;
    return {
      source: 'config',
      message: t('The command of the server “{0}” cannot be read ({1}); this entry is ignored.', name, errorName(error)),
      file,
      line,
    };
  }
}

/** How long a file that had entries and is broken, empty or gone may be one that its client is just writing. */
const writingMs = 1_000;

/** Whether a file that had entries has become broken, empty or absent. */
async function isUnfinished(before: ConfigReading, now: ConfigReading): Promise<boolean> {
  const had = unique(before.definitions.map(({ file }) => file));
  const named = (of: readonly { readonly file?: string }[]): ReadonlySet<string | undefined> => new Set(of.map(({ file }) => file));
  const [problems, earlier, entries] = [named(now.problems), named(before.problems), named(now.definitions)];
  if (had.some((path) => problems.has(path) && !earlier.has(path))) {
    return true;
  }
  const gone = had.filter((path) => !entries.has(path));
  const sizes = await Promise.all(
    gone.map((path) =>
      promisify(stat)(path).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.includes(0);
}

/** The clients' configuration, read for all known folders; read again only when a file changed or the folders differ. */
export class Configuration {
  readonly #options: SurveyOptions;
  readonly #table: Pick<ProcessTable, 'isAlive'>;
  #folders: readonly string[];
  #workspaceFiles: readonly string[];
  #isRestricted: boolean;
  #restricted: readonly string[] = [];
  /** Directories of running servers and clients. */
  #workingDirs: ReadonlySet<string> = new Set();
  #reading: ConfigReading | undefined;
  /** The folders and files that it was read for. */
  #key = '';
  /** Number of changes reported so far. */
  #changes = 0;
  /** The same when the last reading began. */
  #changesRead = 0;
  /** When a file was first seen unfinished (`isUnfinished`), in ms that do not jump. */
  #unfinishedAt: number | undefined;

  constructor(options: SurveyOptions, table: Pick<ProcessTable, 'isAlive'>) {
    this.#options = options;
    this.#table = table;
    this.#folders = options.folders;
    this.#workspaceFiles = options.workspaceFiles ?? [];
    this.#isRestricted = options.restricted ?? false;
  }

  /** Folders and workspace files of windows in Restricted Mode, this one and others, at the last reading. */
  get restricted(): readonly string[] {
    return this.#restricted;
  }

  /** The last reading, whatever changed since. */
  get last(): ConfigReading | undefined {
    return this.#reading;
  }

  /** The last reading, if no change was reported since. */
  get current(): ConfigReading | undefined {
    return this.#changes === this.#changesRead ? this.#reading : undefined;
  }

  /** Reads the configuration, unless the last reading is current. @param here boot and PID namespace of this process */
  async read(here: Pick<ProcessIdentity, 'bootId' | 'pidNamespace'>): Promise<ConfigReading> {
    const { home, platform, env, runDir, vscodeUserDirs, entries = [] } = this.#options;
    // Noted first: what changes while it is read is read once more.
    const changes = this.#changes;
    const windows = await openWindows(runDir, here, (identity) => this.#table.isAlive(identity));
    this.#restricted = unique([
      ...(this.#isRestricted ? [...this.#folders, ...this.#workspaceFiles] : []),
      ...windows.filter((window) => window.restricted).flatMap((window) => [...window.folders, ...window.workspaceFiles]),
    ]);
    const folders = unique([...this.#folders, ...windows.flatMap((window) => window.folders), ...this.#workingDirs]);
    const userDirs = unique([...vscodeUserDirs, ...windows.flatMap((window) => window.userDirs)]);
    const workspaceFiles = unique([...this.#workspaceFiles, ...windows.flatMap((window) => window.workspaceFiles)]);
    const ensured = await ensuredEntries(runDir, here, (identity) => this.#table.isAlive(identity));
    const key = JSON.stringify([folders, userDirs, workspaceFiles, ensured.map(({ id }) => id)]);
    if (this.current && key === this.#key) {
      return this.current;
    }
    const found = await discoverDefinitions({ home, platform, env, folders, vscodeUserDirs: userDirs, workspaceFiles });
    const definitions: RawDefinition[] = [];
    const problems = [...found.problems];
    const named = [...found.definitions, ...entries];
    const ports = new Set(named.map((definition) => endpointOf(definition)?.port));
    for (const definition of [...named, ...ensured.filter((one) => !ports.has(endpointOf(one)?.port))]) {
      const problem = parsingProblem(definition);
      if (problem) {
        problems.push(problem);
      } else {
        definitions.push(definition);
      }
    }
    const reading = { ...found, definitions, problems };
    if (this.#reading && (this.askAgainIn() ?? writingMs) > 0 && (await isUnfinished(this.#reading, reading))) {
      // Most clients do not replace their files at once. What was read before counts, so that no server loses its entry for a moment.
      this.#unfinishedAt ??= this.#now();
      return this.#reading;
    }
    this.#unfinishedAt = undefined;
    this.#reading = reading;
    this.#key = key;
    this.#changesRead = changes;
    return reading;
  }

  /** In how many ms an unfinished file counts as it is; undefined where there is none. */
  askAgainIn(): number | undefined {
    return this.#unfinishedAt === undefined ? undefined : Math.max(0, this.#unfinishedAt + writingMs - this.#now());
  }

  #now(): number {
    return this.#options.clock?.awake?.() ?? performance.now();
  }

  /** Takes over the directories of servers and clients. @returns whether there are directories that the configuration was not read for */
  async learn(attributed: readonly Attributed[], detail: (row: ProcessRow) => Promise<ProcessDetail>): Promise<boolean> {
    const found = await workingDirs(attributed, detail);
    const fresh = [...found].some((folder) => !this.#workingDirs.has(folder));
    this.#workingDirs = found;
    return fresh;
  }

  setFolders(folders: readonly string[], workspaceFiles: readonly string[], restricted: boolean): void {
    this.#folders = folders;
    this.#workspaceFiles = workspaceFiles;
    this.#isRestricted = restricted;
  }

  /** Paths whose change makes another reading necessary. */
  watched(): readonly string[] {
    return this.#reading?.candidates() ?? [];
  }

  changed(path: string): void {
    if (this.watched().includes(path)) {
      this.#changes += 1;
    }
  }

  allChanged(): void {
    this.#changes += 1;
  }

  /** Drops the reading, because it holds secrets. */
  forget(): void {
    this.#reading = undefined;
  }
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
