import { isAbsolute, posix, relative, win32 } from 'node:path';
import { shownCommandLine } from '../../diagnosis/upgradeCommand.ts';
import type { FindingAction } from '../../model/finding.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';

/** One upgrade, as the user confirms it before it is carried out. */
export interface UpgradePlan {
  /** Program and arguments; run without a shell. */
  readonly argv: readonly [string, ...string[]];
  /** `argv` as one line for display. It is never parsed or run. */
  readonly command: string;
  readonly cwd?: string;
  readonly packageName: string;
  /** On disk now. */
  readonly from: string;
  readonly to: string;
  /** The running servers of that package in that environment, the chosen one first: all of them run old code after the upgrade. */
  readonly instances: readonly Instance[];
  /**
   * Windows does not replace the files of a running program (npm: EBUSY, pip: WinError 5 and half an installation), so there the servers are
   * stopped first. Elsewhere the old servers run until the new version is installed, and a failed upgrade changes nothing.
   */
  readonly order: 'stop-first' | 'upgrade-first';
}

/** Programs that may run an upgrade; besides them only an interpreter of the package's own environment may. */
const programs: ReadonlySet<string> = new Set(['npm', 'pnpm', 'yarn', 'bun', 'pipx', 'uv', 'uvx', 'poetry', 'pdm', 'pipenv', 'python3']);

/** Options that name the folder whose packages a command changes. */
const folderOptions: ReadonlySet<string> = new Set(['--prefix', '--dir', '--cwd', '--project', '--directory']);

/**
 * Where a command of an upgrade runs that needs no folder of its own. Never where MCP Shepherd was started: Python runs a `pip.py` of the working directory in place of
 * pip, and uv, Yarn and pnpm read which index they use from files there, so a stranger's project would decide what is installed for the user.
 * @param root the environment of the package
 */
export function installerFolder(argv: readonly string[], root: string, platform: NodeJS.Platform): string {
  const path = platform === 'win32' ? win32 : posix;
  // Its settings are read in any case, and Corepack chooses the version of Yarn or pnpm by them.
  const at = argv.findIndex((word) => folderOptions.has(word));
  const named = at === -1 ? undefined : argv[at + 1];
  if (named !== undefined && path.isAbsolute(named)) {
    return named;
  }
  // uv reads the index of a project from files beside its environment.
  return platform === 'win32' || (argv[0] === 'uv' && argv[1] === 'pip') ? path.dirname(root) : '/';
}

/** The plan of "Upgrade and Restart" for one server; undefined when no command is known for it. Pure. */
export function upgradePlan(instance: Instance, snapshot: Snapshot, platform: NodeJS.Platform): UpgradePlan | undefined {
  const action = upgradeAction(instance);
  const own = instance.package;
  const [program, ...rest] = action?.argv ?? [];
  if (!action || !own?.installed || !own.latest || program === undefined) {
    return undefined;
  }
  if (!programs.has(program) && !/^python3\.\d{1,2}$/.test(program) && !isBelow(program, own.root)) {
    return undefined;
  }
  const others = snapshot.instances.filter((other) => other.id !== instance.id && isSamePackage(other, instance));
  return {
    argv: [program, ...rest],
    command: shownCommandLine([program, ...rest]),
    ...(action.cwd === undefined ? {} : { cwd: action.cwd }),
    packageName: own.name,
    from: own.installed,
    to: own.latest,
    instances: [instance, ...others],
    order: platform === 'win32' ? 'stop-first' : 'upgrade-first',
  };
}

function isBelow(program: string, folder: string): boolean {
  const path = relative(folder, program);
  return isAbsolute(program) && path !== '' && !path.startsWith('..') && !isAbsolute(path);
}

/** Whether a server has a newer version for which the command is known. */
export function isUpgradable(instance: Instance): boolean {
  return upgradeAction(instance) !== undefined;
}

function upgradeAction(instance: Instance): Extract<FindingAction, { kind: 'upgrade' }> | undefined {
  return instance.findings
    .filter((finding) => finding.kind === 'update-available' && finding.confidence !== 'unknown')
    .flatMap((finding) => finding.actions)
    .find((action) => action.kind === 'upgrade');
}

function isSamePackage(a: Instance, b: Instance): boolean {
  return (
    a.package !== null &&
    b.package !== null &&
    a.package.ecosystem === b.package.ecosystem &&
    a.package.name === b.package.name &&
    a.package.root === b.package.root
  );
}
