// A client that a test runs: starts one server, writes its PID to stdout, and with "again" starts it anew whenever it ends.
// Arguments: "once" or "again", the program, its arguments.
import { spawn } from 'node:child_process';

const [mode, program = '', ...args] = process.argv.slice(2);

function start(): void {
  const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'ignore'] });
  child.once('spawn', () => console.log(child.pid));
  child.once('exit', () => mode === 'again' && start());
}

start();
process.stdin.resume();
