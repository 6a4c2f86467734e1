import { spawn } from 'node:child_process';

/** Variables that `npm run` sets for the outer project, and that must not apply to the folder we install into. */
const ofTheOuterRun = /^(?:INIT_CWD$|npm_(?:package_|lifecycle_|command$|config_(?:local_prefix|prefix|global_prefix|noproxy)$))/i;

/** The environment without the variables of the `npm run` that started us. */
export function withoutNpmRun(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !ofTheOuterRun.test(name)));
}

/**
 * Runs npm in a folder, with the machine's settings (registry, proxy).
 *
 * @returns npm's stdout
 * @throws Error with the last lines of npm's output
 */
export async function npm(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const own = env.npm_execpath;
  const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel', 'error'];
  const [command, first, shell] = own?.endsWith('npm-cli.js')
    ? [process.execPath, [own], false]
    : process.platform === 'win32'
      ? ['npm.cmd', [], true] // a .cmd file needs a shell
      : ['npm', [], false];
  const child = spawn(command, [...first, ...args, ...quiet], { cwd, env: withoutNpmRun(env), shell, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) {
    throw new Error(`npm ${args.join(' ')} in ${cwd} ended with ${code}:\n${(errors + output).trim().split('\n').slice(-20).join('\n')}`);
  }
  return output;
}
