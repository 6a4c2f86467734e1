// A client that a test runs: starts one server, writes its PID to stdout, passes on what it is sent, and with "again" starts it again whenever it exits.
// Arguments: "once" or "again", the program, its arguments.
import { type ChildProcess, spawn } from 'node:child_process';

const [mode, program = '', ...args] = process.argv.slice(2);

let child: ChildProcess | undefined;

function start(): void {
  const env = { ...process.env, NODE_OPTIONS: process.env.SERVER_NODE_OPTIONS ?? '' };
  child = spawn(program, args, { stdio: ['pipe', 'ignore', 'ignore'], env });
  child.once('spawn', () => console.log(child?.pid));
  child.once('exit', () => mode === 'again' && start());
}

start();
process.stdin.on('data', (bytes) => child?.stdin?.write(bytes));
