import { because } from '../../base/language/because.ts';

/** The script, module or program that a Python command line runs. */
type PythonEntry =
  /** A script as written; `at` is its index in the arguments. */
  | { readonly kind: 'script'; readonly script: string; readonly at: number }
  /** `-m name`. `isolated`: neither the working directory nor PYTHONPATH is searched for it (-I, -P). */
  | { readonly kind: 'module'; readonly module: string; readonly isolated: boolean }
  | { readonly kind: 'unknown'; readonly reason: string };

/** The script, module or program that a Python interpreter runs. Source: `python --help-all` of 3.8 to 3.13. @param args without the program itself */
export function pythonEntry(args: readonly string[]): PythonEntry {
  let isolated = false;
  for (let at = 0; at < args.length; at += 1) {
    const argument = args[at] ?? '';
    if (argument === '-') {
      return { kind: 'unknown', reason: because`its program came through stdin` };
    }
    if (!argument.startsWith('-')) {
      return argument === ''
        ? { kind: 'unknown', reason: because`its command line names no script` }
        : { kind: 'script', script: argument, at };
    }
    if (argument.startsWith('--')) {
      // The only long option with a value.
      at += argument === '--check-hash-based-pycs' ? 1 : 0;
      continue;
    }
    // Short options may be combined: -Im name, -uc text, -Wignore.
    for (let index = 1; index < argument.length; index += 1) {
      const option = argument[index] ?? '';
      const rest = argument.slice(index + 1);
      isolated ||= option === 'I' || option === 'P';
      if (option === 'c') {
        return { kind: 'unknown', reason: because`its program was given as text on the command line` };
      }
      if (option === 'm') {
        const module = rest || args[at + 1];
        return module !== undefined && /^[\p{L}_][\p{L}\p{N}_]*(\.[\p{L}_][\p{L}\p{N}_]*)*$/u.test(module)
          ? { kind: 'module', module, isolated }
          : { kind: 'unknown', reason: because`its command line names no module` };
      }
      if (option === 'W' || option === 'X') {
        at += rest === '' ? 1 : 0;
        break;
      }
    }
  }
  return { kind: 'unknown', reason: because`its command line names no script` };
}
