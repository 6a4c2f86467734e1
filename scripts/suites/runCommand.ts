import { spawn } from 'node:child_process';
import { endTree } from '../system/processTree.ts';
import { projectRoot } from '../system/projectPaths.ts';

/** How a child ended; `output` is stdout and stderr in the order of arrival. */
type CommandResult = { readonly code: number | null; readonly output: string; readonly seconds: number };

/**
 * Runs a command in the project's root and collects its output.
 *
 * @param show whether to print the output too
 * @param limit milliseconds after which it is ended
 */
export async function runCommand(
  command: readonly string[],
  { env = process.env, show = false, limit }: { env?: NodeJS.ProcessEnv; show?: boolean; limit: number },
): Promise<CommandResult> {
  const start = performance.now();
  const [program = '', ...rest] = command;
  const child = spawn(program, rest, { cwd: projectRoot, env, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let output = '';
  const collect = (text: string): void => {
    output += text;
    if (show) {
      process.stdout.write(text);
    }
  };
  child.stdout.setEncoding('utf8').on('data', collect);
  child.stderr.setEncoding('utf8').on('data', collect);
  const timer = setTimeout(() => {
    collect(`\nIt took longer than ${limit / 1000} s and was ended.\n`);
    void end(child);
  }, limit);
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      collect(`${error.message}\n`);
      resolve(null);
    });
    child.once('close', resolve);
    // A process that it left running may keep its pipes open.
    child.once('exit', (exitCode) => setTimeout(resolve, 2_000, exitCode));
  });
  clearTimeout(timer);
  running.delete(child);
  return { code, output, seconds: (performance.now() - start) / 1000 };
}

const running = new Set<ReturnType<typeof spawn>>();

/** Ends the running commands with all their processes; for Ctrl-C. */
export async function endRunningCommands(): Promise<void> {
  await Promise.all([...running].map(end));
}

async function end(child: ReturnType<typeof spawn>): Promise<void> {
  if (child.pid !== undefined) {
    await endTree(child.pid, 2_000);
  }
}
