import { delimiter, join } from 'node:path';
import { withoutNpmRun } from '../system/npm.ts';
import { projectRoot } from '../system/projectPaths.ts';

/**
 * The environment that the user called `npm start` from: without what npm put into it, above all without this project's
 * own tools in PATH, which would give the user's servers another Node than they have every day.
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
