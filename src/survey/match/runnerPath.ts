import { posix } from 'node:path';

/** The package runner that installed a script, by the script's path. */
export interface RunnerPath {
  readonly runner: 'npm-exec' | 'pnpm-dlx' | 'yarn-dlx' | 'bunx' | 'uvx' | 'pipx-run' | 'project';
  /** `_npx/HASH`. */
  readonly npxHash?: string;
  /** Package spec or name in the path, where the layout has it. */
  readonly name?: string;
  /** Version in the path, where the layout has it. */
  readonly version?: string;
  /** Program name: the last part, where the path is a program and not a file of a package. */
  readonly program?: string;
}

/** Directory name below npm's `_npx`, in a path or in a list of paths such as PATH. */
export function npxHashIn(text: string): string | undefined {
  return /[\\/]_npx[\\/]([0-9a-f]{16})[\\/]/.exec(text)?.[1];
}

/**
 * Recognises the layouts of npm, pnpm, yarn, bun, uv and pipx in a script path. Text only.
 * @returns undefined when the path is in none of them
 */
export function runnerPath(path: string): RunnerPath | undefined {
  // The shims that pnpm writes name the script by a path through `.bin/..`.
  const text = posix.normalize(path.replaceAll('\\', '/'));
  const program = /\/(?:\.bin|bin|Scripts)\/([^/]+)$/.exec(text)?.[1]?.replace(/\.(exe|cmd)$/i, '');
  const named = program === undefined ? {} : { program };
  const inside = packageIn(text);
  const hash = npxHashIn(text);
  if (hash !== undefined) {
    return { runner: 'npm-exec', npxHash: hash, ...inside, ...named };
  }
  const bunx = /\/\.?bunx-\d+(?:-|\/)((?:@[^/]+\/)?[^/@]+)@([^/]+)\//.exec(text);
  if (bunx?.[1] !== undefined) {
    return { runner: 'bunx', name: bunx[1], ...(/^\d/.test(bunx[2] ?? '') ? { version: bunx[2] ?? '' } : {}), ...named };
  }
  if (/\/dlx-\d+\/(?:[^/]+\/){0,3}node_modules\//.test(text)) {
    return { runner: 'yarn-dlx', ...inside, ...named };
  }
  if (/\/dlx\/[^/]+\//.test(text)) {
    return { runner: 'pnpm-dlx', ...inside, ...named };
  }
  if (/\/uv\/(archive-v\d+|environments-v\d+|tools)\//.test(text) && program !== undefined) {
    return { runner: 'uvx', program };
  }
  if (/\/pipx\//.test(text) && program !== undefined) {
    return { runner: 'pipx-run', program };
  }
  return text.includes('/node_modules/') ? { runner: 'project', ...inside, ...named } : undefined;
}

/** Name and, with pnpm's layout, version of the package that a path below `node_modules` belongs to. */
function packageIn(text: string): { name?: string; version?: string } {
  const stored = /\/\.pnpm\/(@[^/+]+\+)?([^/@]+)@([^/_(]+)[^/]*\//.exec(text);
  const own = innermostPackage(text);
  if (own !== undefined) {
    return { name: own, ...(stored?.[3] === undefined ? {} : { version: stored[3] }) };
  }
  if (stored?.[2] !== undefined) {
    return { name: (stored[1] ?? '').replace('+', '/') + stored[2], ...(stored[3] === undefined ? {} : { version: stored[3] }) };
  }
  return {};
}

/** The package below the last `node_modules` that holds one (`.bin` and `.pnpm` are not packages). */
function innermostPackage(text: string): string | undefined {
  const parts = text.split('/');
  for (let index = parts.length - 2; index >= 0; index--) {
    const name = parts[index + 1] ?? '';
    if (parts[index] === 'node_modules' && name !== '' && !name.startsWith('.')) {
      const whole = name.startsWith('@') ? `${name}/${parts[index + 2] ?? ''}` : name;
      // A file of the package must follow.
      return parts.length > index + (name.startsWith('@') ? 3 : 2) ? whole : undefined;
    }
  }
  return undefined;
}
