import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { InstalledPackage, PackageRef } from '../model/package.ts';
import type { ProcessDetail, ProcessRow } from '../model/process.ts';
import { readBounded, statPath } from '../storage/boundedFile.ts';
import { versionShaped } from '../version/versionShape.ts';
import { BirthTimes, installedSince } from './birthTime.ts';
import type { PartsOrFailure } from './closureParts.ts';
import { programFile } from './processView.ts';

/** A tool that `dotnet tool install` put into its store: `.store/ID/VERSION/ID/VERSION/tools/…`. */
const stored = /^(.*[\\/]\.store[\\/]([^\\/]+)[\\/]([^\\/]+))[\\/]\2[\\/]\3[\\/]tools[\\/]/i;
/** A package in NuGet's folder, from which `dnx` and `dotnet tool run` start: `ID/VERSION/tools/FRAMEWORK/RUNTIME/…`. */
const cached = /^(.*[\\/]([^\\/]+)[\\/](\d[^\\/]*))[\\/]tools[\\/][^\\/]+[\\/][^\\/]+[\\/]/;
const idShape = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/;

/**
 * The package of a .NET tool: by the path of its program or library, which has the version in it, or, for the small program that `dotnet tool install` makes in the
 * tools folder, by the store beside it. Undefined for anything else. Layouts as documented ("dotnet tool install", "NuGet package folders"); not tried with .NET itself.
 */
export function dotnetPackage(row: ProcessRow, detail: ProcessDetail): { readonly ref: PackageRef } | undefined {
  const exe = programFile(detail);
  const words = basename(exe ?? '') === 'dotnet' && row.argvExact ? row.argv.slice(1, 8) : [];
  for (const path of [...(exe === undefined ? [] : [exe]), ...words]) {
    const place = placeOf(path);
    if (place) {
      return { ref: { ecosystem: 'dotnet', entry: path, environment: place.root, name: place.name } };
    }
  }
  const name = exe === undefined ? undefined : toolBeside(exe);
  return exe === undefined || name === undefined
    ? undefined
    : { ref: { ecosystem: 'dotnet', entry: exe, environment: dirname(exe), name } };
}

/** The version is the name of a directory, which is never changed but removed: by an update, or when a cache is cleared. */
export function readDotnetTool(ref: PackageRef): PartsOrFailure {
  const place = placeOf(ref.entry);
  const store = join(ref.environment, '.store', ref.name);
  const versions = place ? [place.version] : list(store).filter((name) => versionShaped(name) !== undefined);
  const [version] = versions;
  const root = place?.root ?? join(store, version ?? '');
  const seen = statPath(root);
  if (version === undefined || seen.status !== 'ok') {
    const reason = seen.status === 'ok' ? `${store} holds no version` : seen.reason;
    return { status: seen.status === 'unreadable' ? 'unreadable' : 'gone', reason };
  }
  if (versions.length > 1) {
    return { status: 'unreadable', reason: `${store} holds ${versions.length} versions` };
  }
  const installedAt = installedSince(new BirthTimes().of(root, seen.stat), seen.stat);
  const own: InstalledPackage = {
    ecosystem: 'dotnet',
    name: ref.name,
    version,
    root,
    ...(installedAt === undefined ? {} : { installedAt }),
  };
  const above = statPath(dirname(root));
  // A tool brings its libraries with it, in the same directory.
  return {
    status: 'ok',
    packages: [own],
    changedAt: Math.max(seen.stat.ctimeMs, above.status === 'ok' ? above.stat.ctimeMs : 0),
    watch: [dirname(root)],
  };
}

function placeOf(path: string): { readonly root: string; readonly name: string; readonly version: string } | undefined {
  const inStore = stored.exec(path);
  const [, root, name, version] = inStore ?? cached.exec(path) ?? [];
  if (root === undefined || name === undefined || !idShape.test(name) || versionShaped(version) === undefined || version === undefined) {
    return undefined;
  }
  // Other folders are called `tools`, too: NuGet's keep the package's own description.
  return inStore || statPath(join(root, `${name}.nuspec`)).status === 'ok' ? { root, name, version } : undefined;
}

/** Of the tools in the store beside a program, the one that declares it as its command. */
function toolBeside(exe: string): string | undefined {
  const store = join(dirname(exe), '.store');
  const command = basename(exe).replace(/\.exe$/i, '');
  return list(store)
    .filter((name) => idShape.test(name))
    .find((name) => list(join(store, name)).some((version) => commandsOf(join(store, name, version, name, version, 'tools')).has(command)));
}

function commandsOf(tools: string): ReadonlySet<string> {
  const files = list(tools).flatMap((framework) =>
    list(join(tools, framework)).map((runtime) => join(tools, framework, runtime, 'DotnetToolSettings.xml')),
  );
  return new Set(
    files.flatMap((file) => {
      const read = readBounded(file, 64 * 1024);
      return read.status === 'ok' ? [...read.text.matchAll(/<Command\s[^>]*\bName="([^"]{1,200})"/g)].map((match) => match[1] ?? '') : [];
    }),
  );
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
