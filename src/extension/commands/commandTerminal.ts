import type { ChildProcess } from 'node:child_process';
import spawn from 'cross-spawn';
import { EventEmitter, type Pseudoterminal } from 'vscode';
import { oneLine } from '../display/plainText.ts';

/** A command that a person sees run: as arguments, without a shell, with its output in a terminal and Ctrl+C to end it. */
export class CommandTerminal implements Pseudoterminal {
  readonly #written = new EventEmitter<string>();
  readonly #closed = new EventEmitter<number>();
  readonly #argv: readonly [string, ...string[]];
  readonly #cwd: string | undefined;
  readonly #line: string;
  readonly #end: (code: number | string) => void;
  #child: ChildProcess | undefined;
  #over = false;
  readonly onDidWrite = this.#written.event;
  readonly onDidClose = this.#closed.event;
  /** Resolves when the command has ended: its exit code, or in words why there is none. */
  readonly ended: Promise<number | string>;

  /** @param line the command as it was confirmed */
  constructor(argv: readonly [string, ...string[]], cwd: string | undefined, line: string) {
    this.#argv = argv;
    this.#cwd = cwd;
    this.#line = line;
    const { promise, resolve } = withResolvers<number | string>();
    this.ended = promise;
    this.#end = resolve;
  }

  /** VS Code shows the terminal: the command begins. */
  open(): void {
    this.#write(`\u001b[1m> ${oneLine(this.#line, 2_000)}\u001b[0m\n\n`);
    const [program, ...args] = this.#argv;
    const child = spawn(program, args, {
      ...(this.#cwd === undefined ? {} : { cwd: this.#cwd }),
      env: commandEnvironment(process.env),
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: false,
      windowsHide: true,
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => this.#write(text));
    }
    child.once('error', (error) => this.#finish(`${program} could not be started: ${error.message}`));
    child.once('close', (code, signal) => this.#finish(code ?? `it was ended by ${signal ?? 'somebody'}`));
  }

  /** The user closes the terminal. */
  close(): void {
    this.#child?.kill();
    this.#finish('its terminal was closed');
  }

  handleInput(data: string): void {
    if (this.#over) {
      this.#closed.fire(0);
    } else if (data === '\u0003') {
      this.#child?.kill('SIGINT');
    }
  }

  #finish(code: number | string): void {
    if (!this.#over) {
      this.#over = true;
      this.#write(
        `\n${code === 0 ? 'Done.' : typeof code === 'number' ? `It failed with exit code ${code}.` : `${code}.`} Press any key to close.\n`,
      );
      this.#end(code);
    }
  }

  #write(text: string): void {
    this.#written.fire(text.replace(/\r?\n/g, '\r\n'));
  }
}

/** Without what the editor sets for its own processes: package managers run Node, which must not become the editor. */
function commandEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(ELECTRON_|VSCODE_)/.test(name)));
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
