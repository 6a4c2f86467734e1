import { dirname, join } from 'node:path';
import { keepOnly } from '../../base/keepOnly.ts';
import { t } from '../../base/language/translate.ts';
import { judgeRespawn } from '../../diagnosis/respawnDiffers.ts';
import type { Finding } from '../../model/finding.ts';
import type { PackageRef } from '../../model/package.ts';
import { identityKey } from '../../model/process.ts';
import type { RunningPackage } from '../../model/snapshot.ts';
import { readManifest } from '../../package/npm/nodePackage.ts';
import { readClosure } from '../../package/readClosure.ts';
import type { LaunchSpec } from '../../process/commandline/launchSpec.ts';
import { npxHash } from '../../process/commandline/npmCommand.ts';
import { type NextVersion, npxNext, uvxNext } from '../../version/nextVersion.ts';
import { parseNpmSpec } from '../../version/npmSpec.ts';
import { normalizePythonName, parsePythonSpec } from '../../version/pythonSpec.ts';
import type { Attributed } from '../match/attributeServers.ts';
import { definitionLaunches } from '../match/launchFit.ts';
import { hasVariable } from '../match/wordPattern.ts';
import { runningServer, type ServerContext } from '../server/serverContext.ts';
import type { UpdateState } from './updates.ts';

interface Next {
  readonly next: NextVersion;
  readonly because: string;
}

/** The newest version in the registry, and the tag that the running process was started with. */
type Offer = Pick<UpdateState, 'latest' | 'tag'>;

/** Files in the caches of npm, uv and others are read again after this long. */
const freshMs = 30_000;

/** Which version the configured command of each server would start now, where files on this machine show it. */
export class Respawns {
  readonly #known = new Map<string, { readonly for: string; readonly at: number; readonly found: Next | undefined }>();

  /** @param update the last answer of the registry */
  findings(attributed: Attributed, server: ServerContext, running: RunningPackage | null, update: Offer): Finding[] {
    const { loaded, now } = server;
    if ('unknown' in loaded || running?.running == null || loaded.ref.editable) {
      return [];
    }
    const key = identityKey(server.row.identity);
    const state = JSON.stringify([
      attributed.definitions[0]?.command,
      attributed.definitions[0]?.args,
      loaded.ref,
      update.latest,
      update.tag,
    ]);
    let known = this.#known.get(key);
    if (!known || known.for !== state || now - known.at > freshMs) {
      known = { for: state, at: now, found: nextOf(attributed, loaded.ref, update) };
      this.#known.set(key, known);
    }
    const finding =
      known.found &&
      judgeRespawn({
        ...runningServer(server),
        ecosystem: running.ecosystem,
        name: running.name,
        running: running.running,
        ...(running.installed === null ? {} : { installed: running.installed }),
        ...known.found,
      });
    return finding ? [finding] : [];
  }

  allChanged(): void {
    this.#known.clear();
  }

  keep(alive: ReadonlySet<string>): void {
    keepOnly(this.#known, alive);
  }
}

function nextOf(attributed: Attributed, ref: PackageRef, update: Offer): Next | undefined {
  const [definition] = attributed.definitions;
  const launch = definition && definitionLaunches(definition).find((one) => one.specs.length > 0);
  if (launch && !launch.specs.some(hasVariable)) {
    switch (launch.launcher) {
      case 'npm-exec':
        return npxStart(attributed, ref, launch, update);
      case 'uvx':
        return uvxStart(attributed, ref, launch, update.latest);
      case 'pnpm-dlx':
        return dlxStart(ref);
      case 'bunx':
      case 'yarn-dlx': {
        const spec = parseNpmSpec(launch.spec ?? '');
        const exact =
          spec.kind === 'registry' && spec.name === ref.name && spec.selector?.kind === 'version' ? spec.selector.value : undefined;
        return exact === undefined ? undefined : { next: { version: exact, by: 'spec' }, because: t('its entry asks for') };
      }
      default:
        return undefined;
    }
  }
  const words = definition ? [definition.command ?? '', ...definition.args] : [];
  // An entry that names the version's own directory always starts that version.
  return words.some((word) => /[\\/]\.pnpm[\\/]/.test(word)) ? undefined : storeStart(ref);
}

function npxStart(attributed: Attributed, ref: PackageRef, launch: LaunchSpec, offer: Offer): Next | undefined {
  const written = launch.specs.find((one) => {
    const spec = parseNpmSpec(one);
    return spec.kind === 'registry' && spec.name === ref.name;
  });
  if (written === undefined) {
    return undefined;
  }
  const spec = parseNpmSpec(written);
  const environment = attributed.detail.environment;
  const npm = /\bnpm\/(\d[\w.-]*)/.exec(environment?.get('npm_config_user_agent') ?? '')?.[1];
  const cache = /^(.*[\\/]_npx)[\\/]/.exec(`${ref.environment}/`)?.[1];
  const cached = cache === undefined ? undefined : versionAt(join(cache, npxHash(launch.specs), 'node_modules', ref.name));
  const folder = environment?.get('npm_config_local_prefix') ?? attributed.detail.cwd;
  const project = folder === undefined ? undefined : versionAt(join(folder, 'node_modules', ref.name));
  const next = npxNext({
    spec,
    ...(npm === undefined ? {} : { npm }),
    ...(cached === undefined ? {} : { cached }),
    ...(project === undefined ? {} : { project }),
    ...(offer.latest === undefined ? {} : { latest: offer.latest }),
    ...(offer.tag === undefined ? {} : { tag: offer.tag }),
  });
  const by = 'unknown' in next ? '' : next.by;
  const because =
    by === 'spec'
      ? t('its entry asks for')
      : by === 'registry'
        ? t('npm {0} asks the registry at each start, which has', npm ?? '')
        : project === undefined
          ? t('npm {0} uses the version in its cache', npm ?? '')
          : t('npx prefers what is installed in {0}', folder ?? '');
  return { next, because: because.replace('  ', ' ') };
}

function uvxStart(attributed: Attributed, ref: PackageRef, launch: LaunchSpec, latest: string | undefined): Next | undefined {
  const spec = parsePythonSpec(launch.spec ?? '');
  if (spec.kind !== 'registry' || normalizePythonName(spec.name) !== normalizePythonName(ref.name)) {
    return undefined;
  }
  const environment = attributed.detail.environment;
  const data = environment?.get('XDG_DATA_HOME') ?? join(environment?.get('HOME') ?? '/', '.local', 'share');
  const place = join(environment?.get('UV_TOOL_DIR') ?? join(data, 'uv', 'tools'), normalizePythonName(ref.name));
  const tool = pythonVersionAt(place, ref.name);
  const next = uvxNext({ spec, ...(tool === undefined ? {} : { tool }), ...(latest === undefined ? {} : { latest }) });
  const by = 'unknown' in next ? '' : next.by;
  const because =
    by === 'spec'
      ? t('its entry asks for')
      : by === 'local'
        ? t('uvx uses the tool that is installed in {0}', place)
        : t('uv asks the index, which has');
  return { next, because };
}

/** pnpm dlx makes a new directory for each resolution; `pkg` leads to the one that the next start takes. */
function dlxStart(ref: PackageRef): Next | undefined {
  const folder = /^(.*[\\/]dlx[\\/][^\\/]+)[\\/]/.exec(`${ref.environment}/`)?.[1];
  const version = folder === undefined ? undefined : versionAt(join(folder, 'pkg', 'node_modules', ref.name));
  return version === undefined
    ? undefined
    : { next: { version, by: 'local' }, because: t('pnpm dlx starts what {0} leads to', join(folder ?? '', 'pkg')) };
}

/** pnpm leaves the directory of the old version where it is; the project's link leads to the new one. */
function storeStart(ref: PackageRef): Next | undefined {
  const project = /^(.*)[\\/]node_modules[\\/]\.pnpm[\\/]/.exec(`${ref.environment}/`)?.[1];
  const link = project === undefined ? undefined : join(project, 'node_modules', ref.name);
  const version = link === undefined ? undefined : versionAt(link);
  return version === undefined ? undefined : { next: { version, by: 'local' }, because: t('{0} leads to', link ?? '') };
}

function versionAt(directory: string): string | undefined {
  const read = readManifest(directory);
  return 'manifest' in read ? read.manifest.version : undefined;
}

function pythonVersionAt(environment: string, name: string): string | undefined {
  const reading = readClosure({ ecosystem: 'python', entry: join(environment, 'bin', name), environment, name });
  return reading.status === 'ok' && dirname(environment) !== environment ? reading.packages[0]?.version : undefined;
}
