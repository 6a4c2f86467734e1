import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { counted } from '../../src/presentation/quantities.ts';
import { projectRoot } from '../system/projectPaths.ts';

/** What a start says about the machine's servers. */
export interface ServersFound {
  readonly running: number;
  readonly entries: number;
  /** The clients whose files were searched. */
  readonly clients: number;
}

/** Scans the machine with the built command line. Undefined when it fails: the view tells why. */
export async function findServers(folder: string, env: NodeJS.ProcessEnv): Promise<ServersFound | undefined> {
  const ask = async (command: string): Promise<string> => {
    const words = [join(projectRoot, 'dist', 'cli.cjs'), command, '--json'];
    return (await promisify(execFile)(process.execPath, words, { cwd: folder, env, maxBuffer: 100_000_000, timeout: 20_000 })).stdout;
  };
  try {
    const [status, doctor] = await Promise.all([ask('status'), ask('doctor')]);
    const { instances, definitions }: Snapshot = JSON.parse(status);
    const { files }: { files: readonly { readonly clients: readonly string[] }[] } = JSON.parse(doctor);
    return { running: instances.length, entries: definitions.length, clients: new Set(files.flatMap(({ clients }) => clients)).size };
  } catch {
    return undefined;
  }
}

/** The last lines of a start: where the window is, what was found, how to end it. */
export function startText(folder: string, where: string, found: ServersFound | undefined): string {
  const { running, entries, clients } = found ?? {};
  const servers =
    found === undefined
      ? 'The view shows its servers.'
      : running === 0 && entries === 0
        ? `No servers found in ${clients} clients: try npm run demo`
        : `${counted(running ?? 0, 'server')} running, ${counted(entries ?? 0, 'entry', 'entries')} in the files of ${clients} clients`;
  return ['', `  MCP Shepherd on ${folder}`, `  ${where}`, `  ${servers}`, '  Ctrl-C ends it', ''].join('\n');
}
