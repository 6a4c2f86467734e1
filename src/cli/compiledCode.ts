import { readdirSync, rmSync, statSync } from 'node:fs';
import nodeModule from 'node:module';
import { join } from 'node:path';
import { compileFolder } from '../base/compileCache.ts';
import { privateFolder } from '../storage/privateFolder.ts';
import { runDirFor } from '../storage/stateFolder.ts';
import { productVersion } from '../version/productVersion.ts';

/** Folders of other builds that are kept: an editor's command line and an installed one may take turns. */
const keptBuilds = 2;

/**
 * Lets Node.js keep the code that it compiles of this command line in our state folder, and reuse it at later starts (`module.enableCompileCache`, Node.js 22.1). A user
 * who could write there could run code here: `privateFolder` refuses such a folder, and Node.js compiles anew. Nothing is created for a user without a state folder.
 * Call it before the rest of the program is loaded. Never throws.
 * @param program path of the file that was started
 */
export function keepCompiledCode(program: string, env: Readonly<Record<string, string | undefined>>): void {
  // Not in the types of the oldest supported Node.js.
  const enable = 'enableCompileCache' in nodeModule ? nodeModule.enableCompileCache : undefined;
  if (typeof enable !== 'function' || process.versions.electron !== undefined) {
    return;
  }
  try {
    const runDir = runDirFor(env);
    const state = join(runDir, 'shepherd');
    if (!isThere(state)) {
      return;
    }
    // npm gives all files one time, and a build of a developer has the version of the last one.
    const build = `${productVersion}-${Math.round(statSync(program).mtimeMs).toString(36)}`;
    const isNew = !isThere(join(state, compileFolder, build));
    const folder = privateFolder(runDir, compileFolder, build);
    if (isNew) {
      removeOthers(join(state, compileFolder), build);
    }
    enable(folder);
  } catch {
    // The program starts without it.
  }
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function removeOthers(folder: string, build: string): void {
  const others = readdirSync(folder)
    .filter((name) => name !== build)
    .map((name) => ({ path: join(folder, name), usedAt: statSync(join(folder, name)).mtimeMs }))
    .sort((a, b) => b.usedAt - a.usedAt);
  for (const { path } of others.slice(keptBuilds)) {
    rmSync(path, { recursive: true, force: true });
  }
}
