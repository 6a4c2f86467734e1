import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { withoutNpmRun } from '../system/npm.ts';
import { cacheRoot, projectRoot } from '../system/projectPaths.ts';
import { withoutClientMarks } from '../system/withoutClientMarks.ts';

/** Environment variables with new folders for one suite. */
type SuiteEnvironment = { readonly env: NodeJS.ProcessEnv; readonly remove: () => void };

/**
 * The environment with a new home, folder for temporary files and run folder. The machine's settings of npm and pip are kept; their downloads go to the project's
 * cache folder.
 */
export function suiteEnvironment(): SuiteEnvironment {
  // Short, because the path of a socket may have at most 107 characters.
  const folder = mkdtempSync(join(tmpdir(), 'shepherd-'));
  const place = (name: string): string => {
    const path = join(folder, name);
    mkdirSync(path, { mode: 0o700 });
    return path;
  };
  const home = place('home');
  const temporary = place('tmp');
  // Modes of a real /tmp: tests of permissions run children as another user, which must reach these folders.
  chmodSync(folder, 0o755);
  chmodSync(temporary, 0o1777);
  const inherited = Object.entries(withoutClientMarks(withoutNpmRun(process.env))).filter(
    ([name]) => !/^(?:npm_config_(?:userconfig|cache)|FORCE_COLOR)$/i.test(name),
  );
  return {
    env: {
      ...Object.fromEntries(inherited),
      HOME: home,
      USERPROFILE: home,
      TMPDIR: temporary,
      TEMP: temporary,
      TMP: temporary,
      MCP_RUN_DIR: place('run'),
      // No registry is asked unless a test says so.
      MCP_SHEPHERD_OFFLINE: '1',
      // Error texts go into result files.
      NO_COLOR: '1',
      PATH: `${join(projectRoot, 'node_modules', '.bin')}${delimiter}${process.env.PATH ?? ''}`,
      ...machineSettings(),
    },
    remove: () => {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** The user's settings files of npm and pip, and cache folders of the project. */
function machineSettings(): NodeJS.ProcessEnv {
  const existing = (...paths: readonly (string | undefined)[]): string | undefined => paths.find((path) => path && existsSync(path));
  const npmrc = existing(process.env.npm_config_userconfig, process.env.NPM_CONFIG_USERCONFIG, join(homedir(), '.npmrc'));
  const pip = existing(process.env.PIP_CONFIG_FILE, join(homedir(), '.config', 'pip', 'pip.conf'), join(homedir(), '.pip', 'pip.conf'));
  return {
    ...(npmrc ? { NPM_CONFIG_USERCONFIG: npmrc } : {}),
    ...(pip ? { PIP_CONFIG_FILE: pip } : {}),
    NPM_CONFIG_CACHE: join(cacheRoot, 'npm'),
    PIP_CACHE_DIR: join(cacheRoot, 'pip'),
  };
}
