/**
 * Real published MCP servers in throw-away projects. Exports:
 *
 * - `servers`: names and the two versions of each that the tests use (older first);
 * - `makeProject(folder, specs)`: a project with these installed, from a copy kept in the test cache, so that repeats are quick;
 * - `copyServer(folder, name, version)`: the same with one server, and the file that its command runs;
 * - `npm(cwd, ...args)`: npm with a home of its own that keeps the machine's registry settings and download cache;
 * - `pnpmProgram()`: pnpm 10, installed once per run.
 */
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serverProgram } from '../../../scripts/system/npmServer.ts';
import { run } from './command.ts';
import { keptFolder, ownFolder, testCache } from './testCache.ts';

export const servers = {
  memory: { name: '@modelcontextprotocol/server-memory', bin: 'mcp-server-memory', versions: ['2026.1.26', '2026.8.31'] },
  everything: { name: '@modelcontextprotocol/server-everything', bin: 'mcp-server-everything', versions: ['2026.1.26', '2026.8.31'] },
  filesystem: { name: '@modelcontextprotocol/server-filesystem', bin: 'mcp-server-filesystem', versions: ['2026.1.14', '2026.8.31'] },
} as const;

let settings: Promise<NodeJS.ProcessEnv> | undefined;

/** Variables for npm: a home of its own, the machine's settings file and download cache, nothing of an npm that runs these tests. */
export function npmEnv(): Promise<NodeJS.ProcessEnv> {
  settings ??= (async () => {
    const kept = Object.fromEntries(
      Object.entries(process.env).filter(
        ([name]) => !/^(npm_(lifecycle|package|command|execpath|node_execpath|config_local_prefix)|INIT_CWD)/i.test(name),
      ),
    );
    const settingsFolder = await keptFolder('npm-settings', async (making) => {
      writeFileSync(join(making, 'all.json'), await run('npm', ['config', 'list', '--json'], { cwd: tmpdir(), env: kept }));
    });
    const json: unknown = JSON.parse(readFileSync(join(settingsFolder, 'all.json'), 'utf8'));
    const config = typeof json === 'object' && json !== null ? new Map(Object.entries(json)) : new Map<string, unknown>();
    const home = join(ownFolder(), 'home');
    mkdirSync(home, { recursive: true });
    return {
      ...kept,
      HOME: home,
      npm_config_userconfig: String(config.get('userconfig') ?? ''),
      npm_config_cache: String(config.get('cache') ?? join(home, '.npm')),
      npm_config_audit: 'false',
      npm_config_fund: 'false',
      npm_config_update_notifier: 'false',
      npm_config_loglevel: 'error',
    };
  })();
  return settings;
}

/** Runs npm in a folder. All test files of a run share what Node compiled of npm, which would else lie in the temporary folder of each. */
export async function npm(cwd: string, ...args: readonly string[]): Promise<string> {
  return run('npm', args, { cwd, env: { ...(await npmEnv()), NODE_COMPILE_CACHE: join(testCache(), 'compiled') } });
}

/** Makes a project at `folder` (which must not exist) with the packages of `specs` as exact dependencies. */
export async function makeProject(folder: string, specs: readonly string[]): Promise<void> {
  const hash = createHash('sha256').update(specs.join('\n')).digest('hex').slice(0, 16);
  const kept = await keptFolder(`npm-${hash}`, async (making) => {
    writeFileSync(join(making, 'package.json'), JSON.stringify({ name: 'project-under-test', version: '1.0.0', private: true }));
    await npm(making, 'install', '--save-exact', ...specs);
  });
  cpSync(kept, folder, { recursive: true, verbatimSymlinks: true });
}

/** Makes a project with one server. @returns the file that its command runs */
export async function copyServer(folder: string, name: string, version: string): Promise<string> {
  await makeProject(folder, [`${name}@${version}`]);
  return serverProgram(folder, name);
}

/** The script of pnpm 10. */
export async function pnpmProgram(): Promise<string> {
  const kept = await keptFolder('pnpm-program', async (making) => {
    writeFileSync(join(making, 'package.json'), '{"private":true}');
    await npm(making, 'install', 'pnpm@10');
  });
  return join(kept, 'node_modules', 'pnpm', 'bin', 'pnpm.cjs');
}
