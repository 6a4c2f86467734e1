import { resolve, sep } from 'node:path';
import type { FormatId } from '../../clients/clientDescription.ts';
import type { ClientId, RawDefinition } from '../../model/definition.ts';
import type { Problem } from '../../model/problem.ts';
import { formatOf } from '../formats/formats.ts';
import { type InstalledPlugin, type ServerFile, withinLimits } from '../formats/serverFile.ts';
import { DefinitionCollection } from './definitionCollection.ts';
import {
  type FileSearch,
  fixedSearches,
  keptPlugins,
  marketplaceSearches,
  ownersOf,
  type PluginFolder,
  pluginSearches,
  presentClients,
  projectSearches,
  userDirsOf,
} from './fileSearch.ts';
import { existingFolders, isLocalPath, openedInVscode, workspaceFolders } from './projectFolders.ts';
import { type ConfigText, readConfigFile } from './readConfigFile.ts';
import { withReplacements } from './replacedEntries.ts';

/** The places to search. */
export interface ConfigRoots {
  readonly home: string;
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Workspace folders or working directories; the directories above them are searched as the client does. */
  readonly folders: readonly string[];
  /** `User` directories of VS Code beyond the usual ones. */
  readonly vscodeUserDirs: readonly string[];
  readonly workspaceFiles?: readonly string[];
}

/** A file that was searched for, and the client that owns it. */
export interface LookedFile {
  readonly path: string;
  readonly client: ClientId;
}

export interface ConfigReading {
  readonly definitions: RawDefinition[];
  readonly problems: Problem[];
  /**
   * All paths whose change can change the reading, absolute: the files that were searched for, whether they exist or not, and the directories in
   * which new profiles appear. Named when they are first asked for.
   */
  readonly candidates: () => readonly string[];
  /** All files that were searched for; called by `doctor` alone. */
  readonly looked: () => readonly LookedFile[];
  /** The clients that were installed or used on this machine, whether or not they have servers. */
  readonly present: readonly ClientId[];
  /** Project folders learnt from the clients' own files: existing ones, most recently used first, at most 200. */
  readonly folders: string[];
}

/** Files with variables of entries; they are read only to know what must not be shown. */
const maxEnvFiles = 1_000;
const maxPlugins = 200;
/** Of one plugin. */
const maxServerFiles = 20;

/**
 * Finds all servers that are configured on this machine. Only reads files, and never throws: a file or entry that cannot be read is a problem, and all others are
 * still returned.
 */
export async function discoverDefinitions(roots: ConfigRoots): Promise<ConfigReading> {
  const files = new FileReader();
  const collection = new DefinitionCollection();
  const userDirs = userDirsOf(roots, roots.vscodeUserDirs);
  const fixed = fixedSearches(roots, userDirs);
  const named = await files.readAll(fixed.searches, collection);

  const opened = userDirs.map(({ path }) => openedInVscode(path));
  const workspaceFiles = existingWorkspaceFiles(files, [
    ...(roots.workspaceFiles ?? []).map((path) => ({ path: resolve(path), usedAt: Number.POSITIVE_INFINITY })),
    ...opened.flatMap((item) => item.workspaceFiles),
  ]);
  const folders = await existingFolders([
    ...opened.flatMap((item) => item.folders),
    ...workspaceFiles.flatMap((item) => item.folders.map((path) => ({ path, usedAt: item.usedAt }))),
    ...named.flatMap(({ file }) => file.folders.map((path) => ({ path }))),
  ]);

  const searched = [...new Set([...roots.folders.map((folder) => resolve(folder)), ...folders])];
  const project = projectSearches(
    roots,
    searched,
    workspaceFiles.map(({ path }) => path),
  );
  const trust = new Map(named.flatMap(({ file }) => [...file.trust].map(([folder, trusted]) => [resolve(folder), trusted] as const)));
  const read = [...named, ...(await files.readAll(project.searches, collection, trust))];

  const kept = keptPlugins(roots);
  const lists = marketplaceSearches(roots, (client) =>
    namedBy(read, client, ({ marketplaces }) => marketplaces)
      .filter(isLocalPath)
      .slice(0, maxPlugins),
  );
  const listed = [...read, ...(await files.readAll(lists, collection))];
  const plugins = pluginSearches(roots, (client) =>
    pluginsOf(
      listed,
      client,
      kept.plugins.filter((plugin) => plugin.client === client),
    ),
  );
  await files.readAll((await files.readAll(plugins, collection)).flatMap(namedByManifest), collection);

  for (const [path, keys] of [...collection.envFiles(roots.home)].slice(0, maxEnvFiles)) {
    const text = files.quietText(path);
    if (text.status === 'text') {
      collection.addVariables(keys, text.text);
    }
  }
  let candidates: readonly string[] | undefined;
  return {
    definitions: withReplacements(collection.definitions()),
    problems: [...files.problems(), ...collection.problems()],
    candidates: () => {
      candidates ??= [
        ...new Set([...files.looked(), ...project.absent().keys(), ...fixed.directories, ...kept.directories, ...project.directories]),
      ];
      return candidates;
    },
    looked: () => lookedFor([...fixed.searches, ...lists, ...plugins, ...project.searches], project.absent()),
    present: presentClients(roots, userDirs),
    folders,
  };
}

function lookedFor(searches: readonly FileSearch[], nowhere: ReadonlyMap<string, ClientId>): readonly LookedFile[] {
  const owners = new Map([...nowhere, ...ownersOf(searches)]);
  return [...owners].map(([path, client]) => ({ path, client }));
}

interface ReadFile {
  readonly file: ServerFile;
  readonly search: FileSearch;
}

/** What the files of a client name. */
function namedBy<T>(read: readonly ReadFile[], client: ClientId, of: (file: ServerFile) => Iterable<T> | undefined): T[] {
  return read.flatMap(({ file, search }) => (search.owner === client ? [...(of(file) ?? [])] : []));
}

/** The plugins of a client, at most 200 folders. Of one that several files name the last folder counts. Relative paths are none that a client writes. */
function pluginsOf(read: readonly ReadFile[], client: ClientId, kept: readonly InstalledPlugin[]): PluginFolder[] {
  const states = new Map<string, boolean>();
  for (const [id, isOn] of namedBy(read, client, ({ pluginStates }) => pluginStates)) {
    // A project may switch on what is off elsewhere.
    states.set(id, states.get(id) || isOn);
  }
  const named = new Map(namedBy(read, client, ({ plugins }) => plugins).map((plugin) => [plugin.id, plugin]));
  const found = [...named.values(), ...kept].flatMap(({ id, folder, switchedOn }) => {
    const isOn = states.get(id) ?? states.get(id.split('@')[0] ?? id);
    return isLocalPath(folder) && !(switchedOn && isOn === undefined) ? [{ folder: resolve(folder), off: isOn === false }] : [];
  });
  return found.slice(0, maxPlugins);
}

/** The files with servers that the manifest of a plugin names, inside of the plugin. */
function namedByManifest({ file, search }: ReadFile): FileSearch[] {
  const { plugin = '', files } = search;
  const paths = (file.serverFiles ?? []).slice(0, maxServerFiles).map((path) => resolve(plugin, path));
  return paths
    .filter((path) => path.startsWith(plugin + sep))
    .map((path) => ({ ...search, paths: [path], files: { ...files, format: 'plugin-mcp' } }));
}

/** Reads each file once, also where several clients read it. */
class FileReader {
  readonly #texts = new Map<string, ConfigText>();
  readonly #parsed = new Map<string, ServerFile>();
  /** By the path that cannot be read: a closed directory is one problem, not one for each file in it. */
  readonly #problems = new Map<string, Problem>();

  async readAll(
    searches: readonly FileSearch[],
    collection: DefinitionCollection,
    trust: ReadonlyMap<string, boolean> = new Map(),
  ): Promise<ReadFile[]> {
    const read: ReadFile[] = [];
    for (const search of searches) {
      for (const path of search.paths) {
        const text = this.text(path, search.owner);
        if (text.status === 'text') {
          const file = await this.#parse(search.files.format, path, text.text);
          read.push({ file, search });
          collection.add(search, path, text.realPath, file, trust);
        }
        if (text.status !== 'absent' && search.paths.length > 1) {
          break;
        }
      }
    }
    return read;
  }

  async #parse(format: FormatId, path: string, text: string): Promise<ServerFile> {
    const key = `${format}\0${path}`;
    const file = this.#parsed.get(key) ?? withinLimits((await formatOf(format)).read(text, path));
    this.#parsed.set(key, file);
    return file;
  }

  /** A file whose mistakes are its client's to report. */
  quietText(path: string): ConfigText {
    const known = this.#texts.get(path) ?? readConfigFile(path);
    this.#texts.set(path, known);
    return known;
  }

  /** @param client whose file it is */
  text(path: string, client?: ClientId): ConfigText {
    const text = this.quietText(path);
    if (text.status === 'problem') {
      const owner = this.#problems.get(text.at)?.client ?? client;
      this.#problems.set(text.at, {
        source: 'config',
        ...(owner === undefined ? {} : { client: owner }),
        message: text.reason,
        file: text.at,
      });
    }
    return text;
  }

  looked(): string[] {
    return [...this.#texts.keys()];
  }

  problems(): Problem[] {
    return [...this.#problems.values()];
  }
}

function existingWorkspaceFiles(
  files: FileReader,
  learnt: readonly { readonly path: string; readonly usedAt: number }[],
): { readonly path: string; readonly usedAt: number; readonly folders: readonly string[] }[] {
  const found = new Map<string, { readonly path: string; readonly usedAt: number; readonly folders: readonly string[] }>();
  for (const { path, usedAt } of learnt) {
    if (!found.has(path)) {
      const text = files.text(path);
      if (text.status === 'text') {
        found.set(path, { path, usedAt, folders: workspaceFolders(text.text, path) });
      }
    }
  }
  return [...found.values()];
}
