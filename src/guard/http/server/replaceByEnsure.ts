import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import * as v from 'valibot';

/** How a server that somebody else started is started again: `mcp-shepherd ensure NAME`, by the settings in the folder of this process. */
export interface EnsureRequest {
  readonly name: string;
  /** Where the server listens. */
  readonly url: URL;
  readonly runDir: string | undefined;
}

/** A start may take 30 s, the end of the old server 20 s. */
const limitMs = 120_000;

const answerSchema = v.object({ server_status: v.string(), message: v.string() });

/** The words that run the command line of this program; undefined when it does not lie beside this one. @param started the file that runs */
export function ownCommandLine(started: string = process.argv[1] ?? ''): readonly string[] | undefined {
  const bundle = join(dirname(started), 'cli.cjs');
  try {
    accessSync(bundle, constants.R_OK);
    return isAbsolute(started) ? [process.execPath, bundle] : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Has exactly this process replaced; where another one listens meanwhile, that one is left as it is.
 * @param pid of the process that listens there
 * @throws with a sentence for a person when the server was not replaced
 */
export async function replaceByEnsure({ name, url, runDir }: EnsureRequest, pid: number): Promise<void> {
  const [program, ...words] = ownCommandLine() ?? [];
  if (program === undefined) {
    throw new Error('the command line of mcp-shepherd does not lie beside this guard');
  }
  const args = [
    ...words,
    'ensure',
    name,
    '--url',
    url.href,
    '--replace',
    String(pid),
    '--json',
    ...(runDir === undefined ? [] : ['--run-dir', runDir]),
  ];
  const output = await new Promise<string>((resolve, reject) => {
    execFile(program, args, { timeout: limitMs, maxBuffer: 1_048_576, windowsHide: true }, (error, stdout, stderr) => {
      // It ends with a code of its own where it left the server alone, and says so on its output.
      if (stdout.trim() === '' && error) {
        reject(new Error(stderr.trim().split('\n', 1)[0] || `"mcp-shepherd ensure ${name}" failed`));
      } else {
        resolve(stdout);
      }
    });
  });
  const { server_status: status, message } = v.parse(answerSchema, JSON.parse(output));
  if (!['replaced', 'started', 'reused'].includes(status)) {
    throw new Error(message);
  }
}
