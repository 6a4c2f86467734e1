import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { npm } from './npm.ts';

/**
 * Installs one version of a published MCP server into a project folder with `npm install`, or replaces the installed version.
 *
 * @returns absolute path of the file that the package's command runs
 * @throws Error when npm fails or the package has no command
 */
export async function installServer(project: string, name: string, version: string, env?: NodeJS.ProcessEnv): Promise<string> {
  if (!existsSync(join(project, 'package.json'))) {
    writeFileSync(join(project, 'package.json'), '{ "private": true }\n');
  }
  await npm(['install', '--save-exact', `${name}@${version}`], project, env);
  return serverProgram(project, name);
}

/**
 * Absolute path of the file that the command of an installed package runs.
 *
 * @throws Error when it has no command
 */
export function serverProgram(project: string, name: string): string {
  const root = join(project, 'node_modules', name);
  const { bin }: { bin?: string | Record<string, string> } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const file = typeof bin === 'string' ? bin : Object.values(bin ?? {})[0];
  if (!file) {
    throw new Error(`${name} has no command.`);
  }
  return join(root, file);
}
