import { spawnSync } from 'node:child_process';

/** Runs commands in a PID namespace, in which they see only their own processes. */
export type ProcessNamespace = {
  /**
   * The command in a new PID namespace; unchanged where there is none.
   *
   * @param times file for the processor time of all processes in it, as the shell's `times` prints it
   */
  readonly wrap: (command: readonly string[], times?: string) => string[];
  /** Why there is no namespace; undefined when there is one. */
  readonly reason: string | undefined;
};

/** Set to "yes" or to the reason why not, for every process of a test run. */
const variable = 'MCP_SHEPHERD_PID_NAMESPACE';

/** Ctrl-C in the terminal also reaches this shell. Without the trap it would end, and all processes with it, before the command has cleaned up. */
const firstProcess = `trap : INT TERM HUP; times=$1; shift; ${variable}=yes "$@"; code=$?; times > "$times"; exit $code`;

const candidates = [
  ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'],
  // An ordinary user gets one together with a user namespace, as root of that.
  ['unshare', '--user', '--map-root-user', '--pid', '--fork', '--mount-proc', '--kill-child'],
];

/**
 * Tries the ways that the machine may allow. A shell is process 1 in the namespace: it reaps orphans, which Node does not, and when it ends, the kernel kills all
 * remaining processes.
 */
export function processNamespace(): ProcessNamespace {
  let complaint = 'only Linux has them';
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

/** For a test: why it does not run in a PID namespace of its own (it prints this and skips), or undefined when it does. */
export function whyNoNamespace(): string | undefined {
  const value = process.env[variable];
  return value === 'yes' ? undefined : (value ?? 'Not started by scripts/test.ts, so not in a PID namespace of its own.');
}

/** The variable that `whyNoNamespace` reads in a child. Inside a namespace the shell sets it. */
export function namespaceMark(namespace: ProcessNamespace): NodeJS.ProcessEnv {
  return namespace.reason === undefined ? {} : { [variable]: namespace.reason };
}
