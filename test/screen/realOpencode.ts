import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installOnce } from '../../scripts/system/installOnce.ts';
import { npm } from '../../scripts/system/npm.ts';
import { endTree } from '../../scripts/system/processTree.ts';
import { printProgress, timed } from '../../scripts/system/progress.ts';
import { cacheRoot } from '../../scripts/system/projectPaths.ts';
import { waitFor } from '../../scripts/system/waitFor.ts';

/** A running `opencode serve`. */
export type Opencode = {
  readonly pid: number;
  /** Lets it work in a directory, where it starts its own copy of each configured server. @returns the status of each */
  readonly workIn: (directory: string) => Promise<Readonly<Record<string, string>>>;
  /** What its HTTP interface answers in a directory, as text. */
  readonly ask: (method: 'GET' | 'POST', path: string, directory: string) => Promise<string>;
  readonly dispose: () => Promise<void>;
};

const version = '1.18.33';

/** Without these it looks for updates and models, and installs a package of its own into its configuration folder (6 s of a core). */
const quiet = { OPENCODE_DISABLE_AUTOUPDATE: '1', OPENCODE_DISABLE_MODELS_FETCH: '1', NPM_CONFIG_OFFLINE: 'true' };

/**
 * Installs opencode from npm into the cache folder. Later calls return at once.
 *
 * @returns its program
 * @throws Error with npm's last lines when that fails
 */
export async function installOpencode(): Promise<string> {
  const folder = join(cacheRoot, `opencode-${version}`);
  await installOnce(folder, (staging) =>
    timed(`Getting opencode ${version} from npm (350 MB on disk, once)`, printProgress, async () => {
      writeFileSync(join(staging, 'package.json'), '{ "private": true }\n');
      // Its install script puts the program of this system where its command is.
      await npm(['install', `opencode-ai@${version}`], staging);
    }),
  );
  return join(folder, 'node_modules', '.bin', 'opencode');
}

/**
 * Starts its server on a free port and waits until it takes requests (about 1 s).
 *
 * @param program from `installOpencode`
 * @param env its whole environment; `HOME` decides which configuration it reads
 */
export async function startOpencode(program: string, cwd: string, env: NodeJS.ProcessEnv): Promise<Opencode> {
  const child = spawn(program, ['serve', '--port', '0'], {
    cwd,
    env: { ...env, ...quiet, NPM_CONFIG_CACHE: join(cwd, 'empty-npm') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const collect = (text: string): void => {
    output += text;
  };
  child.stdout.setEncoding('utf8').on('data', collect);
  child.stderr.setEncoding('utf8').on('data', collect);
  child.once('error', (error) => collect(`${error.message}\n`));
  const pid = child.pid ?? 0;
  const dispose = (): Promise<void> => endTree(pid);
  try {
    const address = await waitFor('opencode to listen', () => {
      if (pid === 0 || child.exitCode !== null) {
        throw new Error(`opencode ended with ${child.exitCode}: ${output.slice(-2_000)}`);
      }
      return /listening on (http:\S+)/.exec(output)?.[1];
    });
    const ask: Opencode['ask'] = async (method, path, directory) => {
      const response = await fetch(`${address}${path}?${new URLSearchParams({ directory })}`, { method });
      return response.text();
    };
    return {
      pid,
      ask,
      workIn: async (directory) => {
        const servers: Record<string, { status: string }> = JSON.parse(await ask('GET', '/mcp', directory));
        return Object.fromEntries(Object.entries(servers).map(([name, { status }]) => [name, status]));
      },
      dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}
