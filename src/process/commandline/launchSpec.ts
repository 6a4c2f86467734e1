/** Kind of program that a command line starts. */
export type LauncherName =
  | 'npm-exec'
  | 'npm-run'
  | 'pnpm-dlx'
  | 'pnpm-exec'
  | 'yarn-dlx'
  | 'bunx'
  | 'deno'
  | 'uvx'
  | 'uv-run'
  | 'pipx-run'
  | 'docker'
  | 'shell'
  | 'cmd'
  | 'node'
  | 'python-script'
  | 'python-module'
  | 'bun'
  | 'binary';

/**
 * The normal form of a command line, in which an entry and a running process can be compared. It holds the arguments as they are, so it must never be printed.
 */
export interface LaunchSpec {
  readonly launcher: LauncherName;
  /** First package spec as written (`@scope/name@1.2`, `git+https://…`), for package runners. */
  readonly spec?: string;
  /** All package specs as written, `spec` first. Empty for other launchers. */
  readonly specs: readonly string[];
  /** Script path, module, program, image or script name as written. For package runners the program, if the command names it. */
  readonly target?: string;
  /** The server's own arguments. */
  readonly args: readonly string[];
  /** The interpreter as written. */
  readonly interpreter?: string;
  /** Directory that the command line itself changes to (`cd X && …`, `uv run --directory X`), as written. */
  readonly cwd?: string;
  /** Removed wrappers, outermost first: `env`, `sh`, `cmd`, `mcp-shepherd guard`, `srt` … */
  readonly wrappers: readonly string[];
  /** The command that this one starts, if its words contain it (`uv run python -m x`, `npx tsx src/index.ts`). */
  readonly inner?: LaunchSpec;
  /** Name of a program that remains the server's parent without being a package runner: `node --watch`, `tsx`. */
  readonly supervises?: string;
}

/** Reads one command line. Passed to the readers of wrappers, which call it for the wrapped command. */
export type LaunchReader = (command: string, args: readonly string[]) => LaunchSpec;

/** A launch without packages. */
export function plainLaunch(launcher: LauncherName, args: readonly string[], more: Partial<LaunchSpec> = {}): LaunchSpec {
  return { launcher, specs: [], args, wrappers: [], ...more };
}

/** The same launch inside one more wrapper. @param cwd directory that the wrapper changes to */
export function wrapLaunch(wrapper: string, inner: LaunchSpec, cwd?: string): LaunchSpec {
  const directory = inner.cwd ?? cwd;
  return { ...inner, wrappers: [wrapper, ...inner.wrappers], ...(directory === undefined ? {} : { cwd: directory }) };
}

/** A launch of packages, an image or a script. Optional parts that are undefined are left out. */
export function packageLaunch(
  launcher: LauncherName,
  specs: readonly string[],
  target: string | undefined,
  args: readonly string[],
  cwd?: string,
): LaunchSpec {
  return {
    launcher,
    specs,
    args,
    wrappers: [],
    ...(specs[0] === undefined ? {} : { spec: specs[0] }),
    ...(target === undefined ? {} : { target }),
    ...(cwd === undefined ? {} : { cwd }),
  };
}
