import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { InstallFacts } from '../diagnosis/upgradeCommand.ts';
import type { NpmPackagePlace } from '../registry/npmRoute.ts';
import type { PythonPackagePlace } from '../registry/pythonRoute.ts';

/** What is on disk about how a package was installed: what decides the command for an upgrade, and whom to ask about it. */
export interface Installation {
  readonly facts: InstallFacts;
  readonly place:
    | { readonly ecosystem: 'npm'; readonly npm: NpmPackagePlace }
    | { readonly ecosystem: 'python'; readonly python: PythonPackagePlace };
  /** npm: the tag that its start follows. */
  readonly tag: string;
  /** Python: the version of the environment's interpreter. */
  readonly python?: string;
}

/** Which of the telling files are there; `../NAME` stands above the folder. */
export function marksIn(folder: string, names: readonly string[]): ReadonlySet<string> {
  const list = (path: string): ReadonlySet<string> => {
    try {
      return new Set(readdirSync(path));
    } catch {
      return new Set();
    }
  };
  const here = list(folder);
  const above = names.some((name) => name.startsWith('../')) ? list(dirname(folder)) : here;
  return new Set(names.filter((name) => (name.startsWith('../') ? above.has(name.slice(3)) : here.has(name))));
}
