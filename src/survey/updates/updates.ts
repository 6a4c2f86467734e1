import { keepOnly } from '../../base/keepOnly.ts';
import { t } from '../../base/language/translate.ts';
import { judgeUpdate } from '../../diagnosis/updateAvailable.ts';
import { upgradeCommand } from '../../diagnosis/upgradeCommand.ts';
import type { RawDefinition } from '../../model/definition.ts';
import type { Finding } from '../../model/finding.ts';
import { identityKey } from '../../model/process.ts';
import type { Redactor } from '../../redaction/redactor.ts';
import { agreedRoute } from '../../registry/credentialScope.ts';
import type { IndexRoute } from '../../registry/indexRoute.ts';
import type { Question } from '../../registry/lookUp.ts';
import { newestVersion } from '../../registry/newestVersion.ts';
import { npmRoute } from '../../registry/npm/npmRoute.ts';
import { pythonRoute } from '../../registry/python/pythonRoute.ts';
import type { SettingsSource } from '../../registry/settingsSource.ts';
import { readBounded, realPath } from '../../storage/boundedFile.ts';
import type { Attributed } from '../match/attributeServers.ts';
import { isInside } from '../match/wordPattern.ts';
import type { LoadedPackage } from '../server/closures.ts';
import type { InstalledFor, InstallWay } from './installWay.ts';
import { npmInstallWay, prefixOnPath } from './npmInstallWay.ts';
import { pythonInstallWay } from './pythonInstallWay.ts';
import type { RegistryClient } from './registryClient.ts';
import type { UpdateNotes } from './updateNotes.ts';

/** Reads how a package was installed, from a few files. */
export function readInstallWay(installed: InstalledFor): InstallWay {
  return installed.ref.ecosystem === 'npm' ? npmInstallWay(installed) : pythonInstallWay(installed);
}

/** The offer of the registry of one server's package. */
export interface UpdateState {
  readonly latest?: string;
  /** npm: the tag of the version `latest`. */
  readonly tag?: string;
  readonly finding?: Finding;
}

interface Entry {
  readonly installed: string;
  readonly readAt: number;
  readonly way: InstallWay;
  readonly route: IndexRoute;
}

/** Settings files and project files are read again after this long. */
const freshMs = 600_000;
/** The largest settings file is pnpm's `.modules.yaml` of a large workspace. */
const maxSettingsBytes = 8 * 1024 * 1024;

/** The variables of a server that `readInstallWay` reads. */
const wayVariables: ReadonlySet<string> = new Set(['PATH', 'npm_config_local_prefix']);

type Machine = Pick<SettingsSource, 'platform' | 'home' | 'env'>;

/** Joins the way in which each server's package was installed with what its registry offers. */
export class Updates {
  readonly #registry: RegistryClient;
  readonly #machine: Machine;
  readonly #notes: UpdateNotes;
  readonly #entries = new Map<string, Entry>();
  /** Settings files as read in this scan: servers of one user share most of them. */
  readonly #settings = new Map<string, string | null | undefined>();
  /** By what it is read from, in this scan: copies of a server were installed once. */
  readonly #ways = new Map<string, InstallWay>();
  /** By place and variables, in this scan: copies of a server have the same ones. */
  readonly #routes = new Map<string, IndexRoute>();
  /** Of the Node.js on this process's own PATH. */
  #prefixes: readonly string[] | undefined;
  #restricted: readonly string[] = [];

  constructor(registry: RegistryClient, machine: Machine, notes: UpdateNotes) {
    this.#registry = registry;
    this.#machine = machine;
    this.#notes = notes;
  }

  /** @param now epoch ms */
  current(attributed: Attributed, loaded: LoadedPackage, redactor: Redactor, now: number): UpdateState {
    if ('unknown' in loaded || loaded.reading.status !== 'ok' || loaded.ref.editable) {
      return {};
    }
    const own = loaded.reading.packages[0];
    const installed = own?.version;
    if (!own || installed === undefined || this.#registry.mode === 'off') {
      return {};
    }
    const { definitions, detail } = attributed;
    const places = [detail.cwd, loaded.ref.environment, own.root, ...definitions.flatMap(({ file, folder, cwd }) => [file, folder, cwd])];
    if (this.#isRestricted(places)) {
      return {};
    }
    const entry = this.#entry(attributed, loaded.ref, own.root, installed, now);
    const { way, route } = entry;
    if ('never' in route) {
      return {};
    }
    const { ecosystem, name } = loaded.ref;
    const { tag, python } = way;
    const question: Question = { ecosystem, name, tag, targets: route.ask };
    const known = this.#registry.known(question);
    const prereleases = tag !== 'latest';
    const newest =
      known && newestVersion({ ecosystem, version: installed, prereleases, ...(python === undefined ? {} : { python }) }, known.candidates);
    if (!known || newest === undefined) {
      return {};
    }
    const upgrade = upgradeCommand(way.facts, newest);
    // A command with a secret is neither shown nor run.
    const shown =
      'argv' in upgrade && redactor.args(upgrade.argv).some((word, index) => word !== upgrade.argv[index])
        ? { words: t('its command would show a secret of this machine') }
        : upgrade;
    const definition = definitions[0];
    const finding = judgeUpdate({
      now,
      ecosystem,
      name,
      installed,
      newest,
      answeredAt: known.at,
      registry: route.ask[0].base.host,
      upgrade: shown,
      remarks: route.remarks,
      ...(definition ? { entry: { file: definition.file, line: definition.line } } : {}),
    });
    if (finding?.confidence === 'proven') {
      this.#notes.keep(loaded.ref, installed, newest, shown, known.at);
    }
    return { latest: newest, tag, ...(finding ? { finding } : {}) };
  }

  /** Drops the servers that are gone. */
  keep(alive: ReadonlySet<string>): void {
    keepOnly(this.#entries, alive);
    this.#settings.clear();
    this.#ways.clear();
    this.#routes.clear();
    this.#prefixes = undefined;
  }

  /** Settings and projects are read again at the next scan. */
  allChanged(): void {
    this.#entries.clear();
  }

  /** @param folders folders and files of workspaces in Restricted Mode: no registry is asked for what runs there or has settings from there */
  restrict(folders: readonly string[]): void {
    const restricted = folders.flatMap((folder) => [folder, realPath(folder) ?? folder]);
    if (restricted.join('\0') !== this.#restricted.join('\0')) {
      this.#restricted = restricted;
      this.allChanged();
    }
  }

  #isRestricted(places: readonly (string | undefined)[]): boolean {
    return (
      this.#restricted.length > 0 &&
      places.some(
        (place) =>
          place !== undefined && this.#restricted.some((folder) => isInside(place, folder) || isInside(realPath(place) ?? place, folder)),
      )
    );
  }

  #entry(
    attributed: Attributed,
    ref: Exclude<LoadedPackage, { unknown: string }>['ref'],
    root: string,
    installed: string,
    now: number,
  ): Entry {
    const { server, detail, launchers } = attributed;
    const key = identityKey(server.identity);
    const known = this.#entries.get(key);
    if (known && known.installed === installed && now - known.readAt < freshMs && known.readAt <= now) {
      return known;
    }
    const way = this.#way({ ref, root, launchers, detail, platform: this.#machine.platform });
    const entry: Entry = { installed, readAt: now, way, route: this.#route(attributed, way) };
    this.#entries.set(key, entry);
    return entry;
  }

  #way(installed: InstalledFor): InstallWay {
    const { ref, root, launchers, detail } = installed;
    const { exe, cwd, environment } = detail;
    const variables = [...(environment ?? [])].filter(([name]) => wayVariables.has(name));
    const key = JSON.stringify([ref, root, exe, cwd, variables, ...launchers.map(({ commandLine }) => commandLine)]);
    const way = this.#ways.get(key) ?? readInstallWay(installed);
    this.#ways.set(key, way);
    return way;
  }

  #readSettings(path: string): string | null | undefined {
    if (!this.#settings.has(path)) {
      this.#settings.set(path, readSettingsFile(path));
    }
    return this.#settings.get(path);
  }

  #route({ detail, definitions }: Attributed, { place }: InstallWay): IndexRoute {
    const read = place.ecosystem === 'npm' ? [place.npm.project, place.npm.modules] : [place.python.project, place.python.pipProject];
    if (this.#isRestricted(read)) {
      return { never: 'its settings are in a workspace in Restricted Mode' };
    }
    const { platform, home, env } = this.#machine;
    this.#prefixes ??= prefixOnPath(env.PATH, platform);
    const prefixes = this.#prefixes;
    const decide = (source: Pick<SettingsSource, 'home' | 'env'>): IndexRoute => {
      const whole: SettingsSource = { ...source, platform, prefixes, read: (path) => this.#readSettings(path) };
      const key = JSON.stringify([place, source]);
      const route = this.#routes.get(key) ?? (place.ecosystem === 'npm' ? npmRoute(place.npm, whole) : pythonRoute(place.python, whole));
      this.#routes.set(key, route);
      return route;
    };
    // The server's variables take precedence over ours, in either case. Clients pass only few of them on.
    const theirs = [...(detail.environment ?? [])];
    const names = new Set(theirs.map(([name]) => name.toLowerCase()));
    const ours = Object.entries(env).filter(([name]) => !names.has(name.toLowerCase()));
    const ofServer = Object.fromEntries([...ours, ...theirs]);
    return agreedRoute(
      decide({ home: detail.environment?.get('HOME') ?? home, env: ofServer }),
      decide({ home, env: { ...userVariables(env), ...entryVariables(definitions) } }),
    );
  }
}

/** Our own variables without npm's settings where npm has started us: it exports those of the folder, too. */
function userVariables(env: SettingsSource['env']): SettingsSource['env'] {
  return env.npm_execpath === undefined ? env : Object.fromEntries(Object.entries(env).filter(([name]) => !/^npm_config_/i.test(name)));
}

/** The variables that the user's own entries of a server set. An entry that comes with a folder is not the user's. */
function entryVariables(definitions: readonly RawDefinition[]): Record<string, string | undefined> {
  const own = definitions.every(
    ({ scope, file, folder }) => !['project', 'workspace'].includes(scope) && (folder === undefined || !isInside(file, folder)),
  );
  return own
    ? Object.fromEntries(definitions.flatMap(({ env }) => Object.entries(env)).map(([name, value]) => [name, value ?? undefined]))
    : {};
}

function readSettingsFile(path: string): string | null | undefined {
  const read = readBounded(path, maxSettingsBytes);
  return read.status === 'ok' ? read.text : read.status === 'absent' ? undefined : null;
}
