import { spawnSync } from 'node:child_process';

/** How to run a command where it sees only its own processes. */
export type ProcessNamespace = {
  /**
   * The command inside a PID namespace of its own; unchanged where that is impossible.
   *
   * @param times receives the processor time of all that ran in it, as the shell's `times` writes it
   */
  readonly wrap: (command: readonly string[], times?: string) => string[];
  /** Why there is none; undefined when there is one. */
  readonly reason: string | undefined;
};

/** Set (to "yes" or to the reason why not) for everything that a test run starts. */
const variable = 'MCP_SHEPHERD_PID_NAMESPACE';

/** A Ctrl-C in the terminal reaches this shell too; without the trap it would end, and with it everything, before the command has cleaned up. */
const firstProcess = `trap : INT TERM HUP; times=$1; shift; ${variable}=yes "$@"; code=$?; times > "$times"; exit $code`;

const candidates = [
  ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'],
  // An ordinary user gets one together with a user namespace, as root of that.
  ['unshare', '--user', '--map-root-user', '--pid', '--fork', '--mount-proc', '--kill-child'],
];

/**
 * Tries what the machine allows. Inside, a shell is process 1: it takes up orphans when they end, which Node would not,
 * and when it ends the kernel ends whatever is left.
 */
export function processNamespace(): ProcessNamespace {
  let complaint = 'it is for Linux only';
  if (process.platform === 'linux') {
    for (const prefix of candidates) {
      const [program = '', ...rest] = prefix;
      const trial = spawnSync(program, [...rest, 'sh', '-c', 'test -d /proc/1 && test $$ = 1'], { encoding: 'utf8' });
      if (trial.status === 0) {
        return {
          wrap: (command, times = '/dev/null') => [...prefix, 'sh', '-c', firstProcess, 'sh', times, ...command],
          reason: undefined,
        };
      }
      complaint = trial.error?.message ?? (trial.stderr.trim() || `unshare ended with ${trial.status}`);
    }
  }
  return { wrap: (command) => [...command], reason: `No PID namespace of its own: ${complaint}` };
}

/** For a test: why it does not run in a PID namespace of its own (then it should print this and skip), or undefined when it does. */
export function whyNoNamespace(): string | undefined {
  const value = process.env[variable];
  return value === 'yes' ? undefined : (value ?? 'Not started by scripts/test.ts, so not in a PID namespace of its own.');
}

/** What tells `whyNoNamespace` in a child about the namespace that it was (not) started in. */
export function namespaceMark(namespace: ProcessNamespace): NodeJS.ProcessEnv {
  return namespace.reason === undefined ? {} : { [variable]: namespace.reason };
}
