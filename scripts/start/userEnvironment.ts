import { delimiter, join } from 'node:path';
import { withoutNpmRun } from '../system/npm.ts';
import { projectRoot } from '../system/projectPaths.ts';

/**
 * The environment from which the user called `npm start`, without what npm has added. Above all, this project's tools are not on the PATH: they would give
 * the user's servers another Node than usual.
 */
export function userEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const ofNpm = (folder: string): boolean =>
    folder.endsWith(join('node_modules', '.bin')) ||
    folder.includes(join('node_modules', '@npmcli', 'run-script')) ||
    folder.startsWith(projectRoot);
  return {
    ...withoutNpmRun(env),
    PATH: (env.PATH ?? '')
      .split(delimiter)
      .filter((folder) => !ofNpm(folder))
      .join(delimiter),
  };
}
