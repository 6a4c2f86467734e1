import { spawn } from 'node:child_process';

/** Runs a command to its end. Rejects with the last of what it printed when it fails or takes longer than five minutes. */
export function run(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], timeout: 300_000 });
    let out = '';
    let all = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      all += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      all += text;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) {
        resolve(out);
      } else {
        reject(new Error(`${command} ${args.join(' ')} ended with ${code}:\n${all.slice(-3000)}`));
      }
    });
  });
}
