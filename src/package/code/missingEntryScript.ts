import { isAbsolute, resolve } from 'node:path';
import type { ProcessDetail, ProcessRow } from '../../model/process.ts';
import { statPath } from '../../storage/boundedFile.ts';
import { runtimeOf } from '../identifyPackage.ts';
import { bunScript, denoScript, nodeScript } from '../npm/nodeEntry.ts';
import { programFile, workingDirectory } from '../processView.ts';
import { pythonEntry } from '../python/pythonEntry.ts';

/** Paths that only a runtime can open: archives, and files packed into a program. */
const virtual = /\.(asar|zip|pyz|whl)[\\/]|^\/snapshot\/|\$bunfs|^[a-z]+:/;

/**
 * The script on the command line when it no longer exists. Undefined without a script, while it exists, and where the arguments may not name a file that we can see
 * (another mount namespace, a title, archives, programs that only look like Node).
 */
export function missingEntryScript(row: ProcessRow, detail: ProcessDetail): string | undefined {
  const runtime = row.argvExact && detail.elsewhere === undefined ? runtimeOf(row, detail) : undefined;
  if (runtime === undefined || detail.environment === undefined || detail.environment.has('ELECTRON_RUN_AS_NODE')) {
    return undefined;
  }
  const named = scriptName(runtime, row.argv.slice(1));
  const cwd = workingDirectory(detail);
  if (named === undefined || virtual.test(named) || (!isAbsolute(named) && cwd === undefined)) {
    return undefined;
  }
  const path = resolve(cwd ?? '/', named);
  const endings = runtime === 'python' ? [''] : ['', '.js', '.cjs', '.mjs', '.ts', '.json', '.node'];
  return endings.every((ending) => statPath(path + ending).status === 'absent') ? path : undefined;
}

/**
 * The Python that a process runs a module with (`python -m NAME`), when it no longer exists: its environment, or its version, was removed. Undefined in every other case,
 * and where the arguments may not name a file that we can see.
 */
export function missingModulePython(row: ProcessRow, detail: ProcessDetail): string | undefined {
  const isOurs = row.argvExact && detail.elsewhere === undefined && runtimeOf(row, detail) === 'python';
  const [named = ''] = row.argv;
  const path = isAbsolute(named) ? named : programFile(detail);
  const isModule = isOurs && pythonEntry(row.argv.slice(1)).kind === 'module';
  return isModule && path !== undefined && statPath(path).status === 'absent' ? path : undefined;
}

function scriptName(runtime: 'node' | 'bun' | 'deno' | 'python', args: readonly string[]): string | undefined {
  if (runtime === 'python') {
    const entry = pythonEntry(args);
    return entry.kind === 'script' ? entry.script : undefined;
  }
  const found = { node: nodeScript, bun: bunScript, deno: denoScript }[runtime](args);
  return 'unknown' in found ? undefined : found.script;
}
