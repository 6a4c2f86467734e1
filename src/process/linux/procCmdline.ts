/** The arguments in the form of a row of the process table. */
interface CommandWords {
  readonly argv: readonly string[];
  readonly argvExact: boolean;
  readonly commandLine: string;
}

/**
 * Parses `/proc/PID/cmdline`: the arguments, each ended by a NUL. A program may replace them by a title (`npm exec …`, `nginx: master`, Chromium's helpers): one
 * string, padded with NULs or without one at its end. It is split into words, and `argvExact` is false.
 *
 * A title looks like a program whose path has blanks and whose arguments are missing or empty. An absolute path without ` -` counts as a path, all other text with
 * blanks as a title.
 * @param cut whether the file was longer than the text
 */
export function parseCmdline(text: string, cut = false): CommandWords {
  const body = text.replace(/\0+$/, '');
  const ending = text.length - body.length;
  // The last NUL ends an argument; NULs before it are empty arguments, or padding.
  const parts = (ending > 0 ? text.slice(0, -1) : text).split('\0');
  const words = parts.filter((part) => part !== '');
  const [only = ''] = words;
  const rewritten =
    words.length === 1 && parts[0] === only && (ending !== 1 || (/\s/.test(only) && (!only.startsWith('/') || / -/.test(only))));
  const commandLine = parts.join(' ').trim();
  if (words.length === 0) {
    return { argv: [], argvExact: false, commandLine: '' };
  }
  if (rewritten) {
    return { argv: commandLine.split(/\s+/), argvExact: false, commandLine };
  }
  return { argv: parts, argvExact: ending > 0 && !cut, commandLine };
}
