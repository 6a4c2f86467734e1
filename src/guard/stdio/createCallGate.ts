import { join } from 'node:path';
import { runDirOf } from '../../storage/runFolder.ts';
import type { GuardOptions } from '../options/guardOptions.ts';
import { restartCommandLine } from '../stale/restartCommandLine.ts';
import { createUpdateNote, type NotedPackage } from '../stale/updateNote.ts';
import { type CallGateOptions, StdioCallGate } from './stdioCallGate.ts';

export interface CallGateParts extends Omit<CallGateOptions, 'restartHint' | 'note'> {
  /** The server that serves, or what was started for it. */
  readonly serving: () => number;
  /** What it was recorded to have loaded. */
  readonly running: () => NotedPackage | undefined;
}

/** The gate of one session with everything that it needs. A piece of its own, which is loaded while the server starts. */
export function createCallGate(facts: CallGateParts): StdioCallGate {
  const { options, serving, running } = facts;
  const runFolder = runFolderOf(options);
  return new StdioCallGate({
    ...facts,
    restartHint: () => restartCommandLine(serving(), runFolder),
    note: options.updateNote && runFolder ? createUpdateNote({ stateRoot: join(runFolder.path, 'shepherd'), running }) : undefined,
  });
}

/** Undefined when the variable that names it is wrong: then it is not published either, and that is reported there. */
function runFolderOf(options: GuardOptions): ReturnType<typeof runDirOf> | undefined {
  try {
    return runDirOf(process.env, options.runDir);
  } catch {
    return undefined;
  }
}
