import { basename, join } from 'node:path';
import type { UpgradePlan } from '../plan/upgradePlan.ts';

/** Program and arguments; run without a shell. */
export type InstallerCommand = readonly [string, ...string[]];

/** How the packages become what they were before an upgrade. Plain data. */
export interface UndoWay {
  /** Files that the upgrade may change, absolute. They are kept before it, and put back first; one that was not there is removed. */
  readonly files: readonly string[];
  /** Whether every package gets its old version. Otherwise only the server's own package does, and its dependencies may stay newer. */
  readonly exact: boolean;
  /** `command` installs what the files or its arguments say. `versions`: `add` gets the old versions as further arguments, `remove` the packages that were not there. */
  readonly install:
    | { readonly kind: 'command'; readonly argv: InstallerCommand; readonly cwd?: string }
    | { readonly kind: 'versions'; readonly add: InstallerCommand; readonly remove: InstallerCommand };
}

/**
 * The way back from a command that `diagnosis/upgradeCommand.ts` has made; pure. A test asks for the way of each of its commands.
 * @param root the environment of the package @param isThere whether a file exists @returns undefined for a command without a way back
 */
export function undoWay(
  { argv, cwd, packageName, from }: UpgradePlan,
  root: string,
  isThere: (path: string) => boolean,
): UndoWay | undefined {
  const [program, first = '', folder = '', last = ''] = [argv[0], argv[1], argv[2], argv.at(-1)];
  const older = `${packageName}@${from}`;
  const project = (at: string, names: readonly string[], command: InstallerCommand, workdir?: string): UndoWay => ({
    files: names.map((name) => join(at, name)),
    exact: true,
    install: { kind: 'command', argv: command, ...(workdir === undefined ? {} : { cwd: workdir }) },
  });
  const ownOnly = (command: InstallerCommand, files: readonly string[] = []): UndoWay => ({
    files,
    exact: false,
    install: { kind: 'command', argv: command },
  });
  const versions = (add: InstallerCommand, remove: InstallerCommand, file?: string): UndoWay => ({
    files: file === undefined ? [] : [join(root, file)],
    exact: true,
    install: { kind: 'versions', add, remove },
  });
  const uvPip = (interpreter: string, file?: string): UndoWay =>
    versions(['uv', 'pip', 'install', '--python', interpreter, '--no-deps'], ['uv', 'pip', 'uninstall', '--python', interpreter], file);
  if (argv.includes('-g') || (program === 'yarn' && first === 'global')) {
    return ownOnly([program, ...argv.slice(1, -1), older]);
  }
  switch (program) {
    case 'npm': {
      const at = argv[3] ?? '';
      const names = ['package.json', 'package-lock.json', 'npm-shrinkwrap.json'];
      return names.slice(1).some((name) => isThere(join(at, name)))
        ? project(at, names, ['npm', 'install', '--prefix', at])
        : ownOnly(
            ['npm', 'install', '--prefix', at, '--no-save', '--no-package-lock', older],
            names.map((name) => join(at, name)),
          );
    }
    case 'pnpm':
      return project(folder, ['package.json', 'pnpm-lock.yaml'], ['pnpm', '--dir', folder, 'install', '--frozen-lockfile']);
    case 'yarn': {
      const frozen = argv[3] === 'up' ? '--immutable' : '--frozen-lockfile';
      return project(folder, ['package.json', 'yarn.lock'], ['yarn', '--cwd', folder, 'install', frozen]);
    }
    case 'bun': {
      const at = argv[3] ?? '';
      return project(at, ['package.json', 'bun.lock', 'bun.lockb'], ['bun', 'install', '--cwd', at, '--frozen-lockfile']);
    }
    case 'pipx':
      return versions(
        ['pipx', 'runpip', basename(root), 'install', '--no-deps'],
        ['pipx', 'runpip', basename(root), 'uninstall', '-y'],
        'pipx_metadata.json',
      );
    case 'uv':
      return first === 'sync'
        ? project(argv[3] ?? '', ['uv.lock'], ['uv', 'sync', '--project', argv[3] ?? '', '--frozen'])
        : uvPip(first === 'pip' ? (argv[4] ?? '') : join(root, 'bin', 'python3'), first === 'pip' ? undefined : 'uv-receipt.toml');
    case 'poetry':
      return project(folder, ['poetry.lock'], ['poetry', '--directory', folder, 'install']);
    case 'pdm':
      return project(argv[3] ?? '', ['pdm.lock'], ['pdm', 'sync', '--project', argv[3] ?? '']);
    case 'pipenv':
      return cwd === undefined ? undefined : project(cwd, ['Pipfile', 'Pipfile.lock'], ['pipenv', 'sync'], cwd);
    default: {
      const at = argv.indexOf('install');
      const forced = argv.filter((word) => word === '--break-system-packages');
      return argv.includes('pip') && at > 0 && last.includes('==')
        ? versions([program, ...argv.slice(1, -1), '--no-deps'], [program, ...argv.slice(1, at), 'uninstall', '-y', ...forced])
        : undefined;
    }
  }
}

/** Versions of packages by name, or by their place where an environment holds a package more than once. */
export type PackageVersions = ReadonlyMap<string, string>;

/** The packages that differ between two moments, "name 1.0 -> 1.1" each; a missing one has no version. */
export function versionChanges(before: PackageVersions, now: PackageVersions): string[] {
  return [...new Set([...before.keys(), ...now.keys()])]
    .filter((name) => before.get(name) !== now.get(name))
    .sort()
    .map((name) => `${name} ${before.get(name) ?? '(absent)'} -> ${now.get(name) ?? '(absent)'}`);
}

/** The commands that undo an upgrade, in order. @param before the versions before it @param now the versions after it */
export function undoCommands(
  { install }: UndoWay,
  before: PackageVersions,
  now: PackageVersions,
): { readonly argv: InstallerCommand; readonly cwd?: string }[] {
  if (install.kind === 'command') {
    return [{ argv: install.argv, ...(install.cwd === undefined ? {} : { cwd: install.cwd }) }];
  }
  const old = [...before].filter(([name, version]) => now.get(name) !== version).map(([name, version]) => `${name}==${version}`);
  const added = [...now.keys()].filter((name) => !before.has(name));
  const extended = ([program, ...words]: InstallerCommand, more: readonly string[]): { argv: InstallerCommand }[] =>
    more.length === 0 ? [] : [{ argv: [program, ...words, ...more] }];
  return [...extended(install.add, old), ...extended(install.remove, added)];
}
