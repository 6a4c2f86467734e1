import { keepOnly } from '../../base/keepOnly.ts';
import { judgeUpdate } from '../../diagnosis/updateAvailable.ts';
import { upgradeCommand } from '../../diagnosis/upgradeCommand.ts';
import type { Finding } from '../../model/finding.ts';
import { identityKey } from '../../model/process.ts';
import type { Redactor } from '../../redaction/redactor.ts';
import type { IndexRoute } from '../../registry/indexRoute.ts';
import type { Question } from '../../registry/lookUp.ts';
import { newestVersion } from '../../registry/newestVersion.ts';
import { npmRoute } from '../../registry/npm/npmRoute.ts';
import { pythonRoute } from '../../registry/python/pythonRoute.ts';
import type { SettingsSource } from '../../registry/settingsSource.ts';
import { readBounded } from '../../storage/boundedFile.ts';
import type { Attributed } from '../match/attributeServers.ts';
import type { LoadedPackage } from '../server/closures.ts';
import type { InstalledFor, InstallWay } from './installWay.ts';
import { npmInstallWay } from './npmInstallWay.ts';
import { pythonInstallWay } from './pythonInstallWay.ts';
import type { RegistryClient } from './registryClient.ts';
import type { UpdateNotes } from './updateNotes.ts';

/** Reads how a package was installed, from a few files. */
export function readInstallWay(installed: InstalledFor): InstallWay {
  return installed.ref.ecosystem === 'npm' ? npmInstallWay(installed) : pythonInstallWay(installed);
}

/** What the registry of one server's package offers. */
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

/** Joins the way in which each server's package was installed with what its registry offers. */
export class Updates {
  readonly #registry: RegistryClient;
  readonly #machine: Pick<SettingsSource, 'platform' | 'home' | 'env'>;
  readonly #notes: UpdateNotes;
  readonly #entries = new Map<string, Entry>();

  constructor(registry: RegistryClient, machine: Pick<SettingsSource, 'platform' | 'home' | 'env'>, notes: UpdateNotes) {
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
        ? { words: 'its command would show a secret of this machine' }
        : upgrade;
    const definition = attributed.definitions[0];
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
  }

  /** Settings and projects are read again at the next scan. */
  allChanged(): void {
    this.#entries.clear();
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
    const { platform, home, env } = this.#machine;
    const way = readInstallWay({ ref, root, launchers, detail, platform });
    // The server's variables take precedence over ours. Clients pass only few of them on.
    const source: SettingsSource = {
      platform,
      home: detail.environment?.get('HOME') ?? home,
      env: { ...env, ...Object.fromEntries(detail.environment ?? []) },
      read: (path) => {
        const read = readBounded(path, maxSettingsBytes);
        return read.status === 'ok' ? read.text : read.status === 'absent' ? undefined : null;
      },
    };
    const { place } = way;
    const route = place.ecosystem === 'npm' ? npmRoute(place.npm, source) : pythonRoute(place.python, source);
    const entry: Entry = { installed, readAt: now, way, route };
    this.#entries.set(key, entry);
    return entry;
  }
}
