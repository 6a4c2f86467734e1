import type { ProcessRow } from '../../model/process.ts';

interface Known<T> {
  readonly commandLine: string;
  readonly argvExact: boolean;
  readonly result: T;
}

/**
 * Caches a result for each command line. The process table returns the same `argv` object for a process in every list while its arguments do not change, so the
 * object is the key. @param compute may read only `argv`, `argvExact` and `commandLine`
 */
export function memoByCommandLine<T>(compute: (row: ProcessRow) => T): (row: ProcessRow) => T {
  const known = new WeakMap<readonly string[], Known<T>>();
  return (row) => {
    const before = known.get(row.argv);
    if (before && before.commandLine === row.commandLine && before.argvExact === row.argvExact) {
      return before.result;
    }
    const { commandLine, argvExact } = row;
    const result = compute(row);
    known.set(row.argv, { commandLine, argvExact, result });
    return result;
  };
}
