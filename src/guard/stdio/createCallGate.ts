import { runDirOf } from '../../storage/runFolder.ts';
import type { GuardOptions } from '../options/guardOptions.ts';
import { restartCommandLine } from '../stale/restartCommandLine.ts';
import { createUpdateNote, type NotedPackage } from '../stale/updateNote.ts';
import { type CallGateOptions, StdioCallGate } from './stdioCallGate.ts';

interface CallGateParts extends Omit<CallGateOptions, 'restartHint' | 'note'> {
  /** PID of the current server, or of its launcher. */
  readonly serving: () => number;
  /** The package that it was recorded to have loaded. */
  readonly running: () => NotedPackage | undefined;
}

/** Makes the gate of one session. Loaded by `import()` while the server starts. */
export function createCallGate(parts: CallGateParts): StdioCallGate {
  const { options, serving, running } = parts;
  const runFolder = runFolderOf(options);
  return new StdioCallGate({
    ...parts,
    restartHint: () => restartCommandLine(serving(), runFolder),
    note: options.updateNote && runFolder ? createUpdateNote({ runDir: runFolder.path, running }) : undefined,
  });
}

/** Undefined when `MCP_RUN_DIR` is not valid: then the guard is not published either, and reports that there. */
function runFolderOf(options: GuardOptions): ReturnType<typeof runDirOf> | undefined {
  try {
    return runDirOf(process.env, options.runDir);
  } catch {
    return undefined;
  }
}
