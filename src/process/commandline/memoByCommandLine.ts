import type { ProcessRow } from '../../model/process.ts';

interface Known<T> {
  readonly commandLine: string;
  readonly argvExact: boolean;
  readonly answer: T;
}

/**
 * Asks once for each program's words what follows from them alone. The words of a process that has come to rest are the same object from list to list, so most
 * processes of a machine are told at a glance; other words are another object. @param ask must look at nothing but `argv`, `argvExact` and `commandLine`
 */
export function memoByCommandLine<T>(ask: (row: ProcessRow) => T): (row: ProcessRow) => T {
  const known = new WeakMap<readonly string[], Known<T>>();
  return (row) => {
    const before = known.get(row.argv);
    if (before && before.commandLine === row.commandLine && before.argvExact === row.argvExact) {
      return before.answer;
    }
    const { commandLine, argvExact } = row;
    const answer = ask(row);
    known.set(row.argv, { commandLine, argvExact, answer });
    return answer;
  };
}
