// The program that `bench/config.ts` builds as the shipped ones are and starts: it loads the modules, and reads the configuration where it gets a home folder.
// Prints the processor time of its process so far, and what it found.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { discoverDefinitions } from '../src/config/discovery/discoverDefinitions.ts';

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [home, projects] = process.argv.slice(2);
  const { definitions } = home === undefined ? { definitions: [] } : await readConfiguration(home, Number(projects));
  const { user, system } = process.cpuUsage();
  const found = `${definitions.length} ${new Set(definitions.map(({ file }) => file)).size}`;
  process.stdout.write(JSON.stringify({ ms: (user + system) / 1_000, found }));
}

/** Reads what the configuration of a home folder is, with its projects. @param projects their number */
export function readConfiguration(home: string, projects: number): ReturnType<typeof discoverDefinitions> {
  return discoverDefinitions({ home, platform: 'linux', env: {}, folders: foldersIn(home, projects), vscodeUserDirs: [] });
}

/** The folders of the projects. @param projects their number */
export function foldersIn(home: string, projects: number): string[] {
  return Array.from({ length: projects }, (_, index) => join(home, 'work', `project-${index}`));
}
