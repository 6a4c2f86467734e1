import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import * as v from 'valibot';

/** An external server that `mcp-shepherd ensure NAME` can start, by the settings in the working directory of this process. */
interface ReplaceRequest {
  readonly name: string;
  /** Where the server listens. */
  readonly url: URL;
  readonly runDir: string | undefined;
}

/** The start may take 30 s, ending the old server 20 s. */
const limitMs = 120_000;

const answerSchema = v.object({ server_status: v.string(), message: v.string() });

/** The words that run the command line of MCP Shepherd; undefined when it is not beside this program. @param started the file of this program */
function ownCommandLine(started: string = process.argv[1] ?? ''): readonly string[] | undefined {
  const bundle = join(dirname(started), 'cli.cjs');
  try {
    accessSync(bundle, constants.R_OK);
    return isAbsolute(started) ? [process.execPath, bundle] : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Replaces exactly one process; when another process listens by then, it is not touched.
 * @param pid of the process that listens there
 * @throws with a message for the user when the server was not replaced
 */
export async function replaceByEnsure({ name, url, runDir }: ReplaceRequest, pid: number): Promise<void> {
  const [program, ...programArgs] = ownCommandLine() ?? [];
  if (program === undefined) {
    throw new Error('the command line of mcp-shepherd is not beside this guard');
  }
  const args = [
    ...programArgs,
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
      // It has an exit code for "left the server alone", and prints that as JSON.
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
