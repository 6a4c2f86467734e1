/** What kind of thing a command line starts. */
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
 * The normal form of a command line, so that what a configuration says and what the process table shows can be compared.
 * It holds arguments as they are: secrets included, never to be printed.
 */
export interface LaunchSpec {
  readonly launcher: LauncherName;
  /** First package spec as written (`@scope/name@1.2`, `git+https://…`), for those that run packages. */
  readonly spec?: string;
  /** All package specs as written, `spec` first. Empty for those that run no package. */
  readonly specs: readonly string[];
  /** Script path, module, program, image or script name as written. For package runners: the program, only where the command names it. */
  readonly target?: string;
  /** The server's own arguments. */
  readonly args: readonly string[];
  /** The interpreter as written, where there is one. */
  readonly interpreter?: string;
  /** Directory that the command line itself changes to (`cd X && …`, `uv run --directory X`), as written. */
  readonly cwd?: string;
  /** Wrappers that were taken off, outermost first, by the name a person knows: `env`, `sh`, `cmd`, `mcp-shepherd guard`, `srt` … */
  readonly wrappers: readonly string[];
  /** What the command itself starts in turn, where its words tell (`uv run python -m x`, `npx tsx src/index.ts`). */
  readonly inner?: LaunchSpec;
  /** True for what stays as parent of the server although it is no package runner: `node --watch`, `tsx`. */
  readonly supervises?: string;
}

/** Reads one command line; passed down so that wrappers can read what they wrap. */
export type LaunchReader = (command: string, args: readonly string[]) => LaunchSpec;

/** A launch with nothing but its kind and arguments. */
export function plainLaunch(launcher: LauncherName, args: readonly string[], more: Partial<LaunchSpec> = {}): LaunchSpec {
  return { launcher, specs: [], args, wrappers: [], ...more };
}

/** The same launch, seen through one more wrapper. */
export function wrapLaunch(wrapper: string, inner: LaunchSpec, cwd?: string): LaunchSpec {
  const directory = inner.cwd ?? cwd;
  return { ...inner, wrappers: [wrapper, ...inner.wrappers], ...(directory === undefined ? {} : { cwd: directory }) };
}

/** A launch without any of the optional parts being undefined by name. */
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
