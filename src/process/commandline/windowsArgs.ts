/**
 * Splits a Windows command line like the C runtime, which nearly all programs use, Node and Python too (Microsoft Learn, "Parsing C++ command-line arguments"):
 * - blanks and tabs outside quotation marks separate arguments;
 * - in the first argument, the program, quotation marks only group, and backslashes are literal;
 * - in the others, 2n backslashes before a quotation mark stand for n backslashes, and the mark groups; 2n+1 stand for n backslashes and a literal mark; other
 *   backslashes are literal; two quotation marks inside a group stand for a literal one.
 */
export function splitWindowsArgs(commandLine: string): string[] {
  const args: string[] = [];
  let at = 0;
  const isBlank = (): boolean => commandLine[at] === ' ' || commandLine[at] === '\t';

  const program = (): string => {
    let text = '';
    let quoted = false;
    for (; at < commandLine.length && (quoted || !isBlank()); at += 1) {
      if (commandLine[at] === '"') {
        quoted = !quoted;
      } else {
        text += commandLine[at];
      }
    }
    return text;
  };

  const argument = (): string => {
    let text = '';
    let quoted = false;
    while (at < commandLine.length && (quoted || !isBlank())) {
      let slashes = 0;
      for (; commandLine[at] === '\\'; at += 1) {
        slashes += 1;
      }
      if (commandLine[at] !== '"') {
        text += '\\'.repeat(slashes);
        if (slashes === 0) {
          text += commandLine[at];
          at += 1;
        }
        continue;
      }
      text += '\\'.repeat(Math.floor(slashes / 2));
      if (slashes % 2 === 1) {
        text += '"';
      } else if (quoted && commandLine[at + 1] === '"') {
        text += '"';
        at += 1;
      } else {
        quoted = !quoted;
      }
      at += 1;
    }
    return text;
  };

  if (commandLine.trim() === '') {
    return args;
  }
  // Blanks before the program would make it an empty word. The system's list never has them, but other callers may.
  while (isBlank()) {
    at += 1;
  }
  args.push(program());
  for (;;) {
    while (isBlank()) {
      at += 1;
    }
    if (at >= commandLine.length) {
      return args;
    }
    args.push(argument());
  }
}
