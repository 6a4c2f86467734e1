import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { InstallFacts } from '../../diagnosis/upgradeCommand.ts';
import type { PackageRef } from '../../model/package.ts';
import type { ProcessDetail, ProcessRow } from '../../model/process.ts';
import type { NpmPackagePlace } from '../../registry/npm/npmRoute.ts';
import type { PythonPackagePlace } from '../../registry/python/pythonRoute.ts';

/** A server and the package that it runs from. */
export interface InstalledFor {
  readonly ref: PackageRef;
  /** The package's directory (npm) or its dist-info (Python). */
  readonly root: string;
  readonly launchers: readonly ProcessRow[];
  readonly detail: ProcessDetail;
  readonly platform: NodeJS.Platform;
}

/** How a package was installed, by files: decides the command for an upgrade and the registry to ask. */
export interface InstallWay {
  readonly facts: InstallFacts;
  readonly place:
    | { readonly ecosystem: 'npm'; readonly npm: NpmPackagePlace }
    | { readonly ecosystem: 'python'; readonly python: PythonPackagePlace };
  /** npm: the tag that its next start installs. */
  readonly tag: string;
  /** Python: the version of the environment's interpreter. */
  readonly python?: string;
}

/** Which of the files exist; `../NAME` is above the folder. */
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
