/** The arguments as a process table row holds them. */
interface CommandWords {
  readonly argv: readonly string[];
  readonly argvExact: boolean;
  readonly commandLine: string;
}

/**
 * Reads `/proc/PID/cmdline`: the arguments, each ended by a NUL. A program may write a title over them (`npm exec …`, `nginx: master`,
 * Chromium's helpers): then it is one string, padded with NULs or running over the end without one, and its words are all there is.
 *
 * Two cases look alike: a title, and a program without arguments, or with empty ones only, whose path has blanks. An absolute path
 * without ` -` in it is taken for a path, everything else with blanks for a title.
 * @param cut there was more than was read
 */
export function parseCmdline(text: string, cut = false): CommandWords {
  const body = text.replace(/\0+$/, '');
  const ending = text.length - body.length;
  // Only the last NUL ends an argument; any before it are empty arguments, or padding.
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
