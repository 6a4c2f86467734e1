/** The code of a system or Node error (`ENOENT`, `ERR_…`). Undefined for errors without a code and for other values. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Errors of the language and of libraries: their texts may quote what they were given (a pattern, a file's text, an argument), and thus a secret. */
const quoting = /^(?:(?:Syntax|Type|Range|Reference|URI|Eval|Aggregate|Assertion|Vali|YAMLParse)Error|YAMLWarning)$/;

/**
 * Why something failed, for people: the first line of what the system or our own code says (for a missing module, Node appends the list of modules that required
 * it). Of an error that may quote its input, only code or class.
 */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) {
    return 'unknown error';
  }
  if (
    [error.name, error.constructor.name].some((name) => quoting.test(name)) ||
    error instanceof TypeError ||
    error instanceof SyntaxError ||
    // smol-toml's error has no name of its own, and the build shortens those of classes. This field quotes the file.
    'codeblock' in error
  ) {
    const code = errorCode(error) ?? errorCode(error.cause);
    return code ?? `${errorName(error)} (its text is not shown: it may repeat what was read)`;
  }
  return error.message.split('\n')[0] ?? '';
}

/** The class of an error (`TypeError`), for messages that must not repeat what an error says, such as paths and arguments. */
export function errorName(error: unknown): string {
  return error instanceof Error ? error.name : 'error';
}
