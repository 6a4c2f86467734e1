import { isGuardScript } from './guardCommand.ts';
import { type LaunchReader, type LaunchSpec, plainLaunch, wrapLaunch } from './launchSpec.ts';
import { scanOptions, wordSet } from './optionScan.ts';
import { splitShell } from './shellWords.ts';
import { splitWindowsArgs } from './windowsArgs.ts';

const shellValues = wordSet('-o +o -O +O --rcfile --init-file');
/** Commands that prepare for the program's start. */
const preparations = wordSet(
  'cd pushd source . export set unset ulimit umask nvm true : alias shopt setopt sleep echo printf mkdir test [ command-not-found',
);

/**
 * A shell's command line. In `-c TEXT` the one command that TEXT prepares and runs is read; a script file is the target; a shell with neither is a terminal and has
 * no target.
 */
export function readShell(name: string, args: readonly string[], read: LaunchReader): LaunchSpec {
  let index = 0;
  for (; index < args.length; index++) {
    const word = args[index] ?? '';
    if (/^-[a-zA-Z]*c[a-zA-Z]*$/.test(word) && !word.startsWith('--')) {
      // `sh -c -- TEXT` and further options are possible before the text.
      const scan = scanOptions(args, index + 1, shellValues);
      return readShellText(name, args[scan.next] ?? '', args.slice(scan.next + 1), read);
    }
    if (word === '--' || !/^[-+]/.test(word)) {
      break;
    }
    if (/^-[a-zA-Z]*s/.test(word)) {
      return plainLaunch('shell', [], { interpreter: name });
    }
    index += shellValues.has(word) ? 1 : 0;
  }
  const script = args[args[index] === '--' ? index + 1 : index];
  if (script === undefined) {
    return plainLaunch('shell', [], { interpreter: name });
  }
  const rest = args.slice(args.indexOf(script, index) + 1);
  // The guard's launcher, before its `exec` of Node.
  return isGuardScript(script, rest) ? read('mcp-shepherd', rest) : plainLaunch('shell', rest, { interpreter: name, target: script });
}

/** The text of `sh -c`. @param operands `$0`, `$1` … */
function readShellText(name: string, text: string, operands: readonly string[], read: LaunchReader): LaunchSpec {
  const whole = plainLaunch('shell', operands, { target: text, wrappers: [name], interpreter: name });
  const commands = splitShell(text);
  if (!commands) {
    return whole;
  }
  let cwd: string | undefined;
  let main: readonly string[] | undefined;
  let after = '';
  for (const command of commands) {
    const words = withoutAssignments(command.words);
    const first = words[0];
    if (first === undefined) {
      continue;
    }
    if (first === 'trap') {
      // pnpm's watchdog, and scripts that clean up: they do not only start one program.
      return whole;
    }
    if (preparations.has(first)) {
      if (first === 'cd' || first === 'pushd') {
        cwd = joinDirectory(cwd, words.find((word, index) => index > 0 && !word.startsWith('-')) ?? '~');
      }
      continue;
    }
    if (main && !(after === '|' || after === '|&' || after === '||')) {
      // Two programs in a row (`build && serve`): the last one counts.
      main = undefined;
    }
    main ??= words;
    after = command.after;
  }
  if (!main) {
    return whole;
  }
  const [command = '', ...rest] = expandOperands(withoutExec(main), operands);
  if (command === '') {
    return whole;
  }
  return wrapLaunch(name, read(command, rest), cwd);
}

/** `exec -a NAME command`: the command alone. */
function withoutExec(words: readonly string[]): readonly string[] {
  return words[0] === 'exec' ? words.slice(scanOptions(words, 1, wordSet('-a')).next) : words;
}

/** `VAR=value` before the command. */
function withoutAssignments(words: readonly string[]): readonly string[] {
  const start = words.findIndex((word) => !/^\w+=/.test(word));
  return start < 0 ? [] : words.slice(start);
}

/** Replaces `$@`, `$*` and `$1` by the operands: some launchers pass the arguments as operands, while npm appends them to the text. */
function expandOperands(words: readonly string[], operands: readonly string[]): string[] {
  const expanded = words.flatMap((word) => {
    const number = /^\$\{?(\d)\}?$/.exec(word)?.[1];
    if (word === '$@' || word === '$*') {
      return operands.slice(1);
    }
    return number === undefined ? [word] : [operands[Number(number)] ?? ''];
  });
  return expanded;
}

function joinDirectory(base: string | undefined, directory: string): string {
  return base === undefined || /^([/~$]|[a-z]:)/i.test(directory) ? directory : `${base}/${directory}`;
}

/** `cmd.exe /d /s /c "npx -y pkg"`, `cmd /c npx -y pkg`. Without `/c` it is a terminal and has no target. */
export function readCmd(args: readonly string[], read: LaunchReader): LaunchSpec {
  const at = args.findIndex((word) => /^\/[ckr]/i.test(word));
  const flag = args[at] ?? '';
  if (at < 0 || /^\/k/i.test(flag)) {
    return plainLaunch('cmd', []);
  }
  const rest = [...(flag.length > 2 ? [flag.slice(2)] : []), ...args.slice(at + 1)];
  // Node's `shell: true` passes the whole line as one word. Otherwise words with blanks get their quotes back.
  const text =
    rest.length === 1 ? (rest[0] ?? '') : rest.map((word) => (/\s/.test(word) && !word.includes('"') ? `"${word}"` : word)).join(' ');
  const lines = withoutOuterQuotes(text).split(/&&?/);
  let cwd: string | undefined;
  for (const line of lines) {
    const [command = '', ...words] = splitWindowsArgs(line);
    const directory = /^(cd|chdir|pushd)$/i.test(command) ? words.find((word) => !/^\/d$/i.test(word)) : undefined;
    if (directory !== undefined) {
      cwd = directory;
    } else if (command !== '' && !/^(set|call|@?echo|chcp|setlocal)$/i.test(command)) {
      return wrapLaunch('cmd', read(command, words), cwd);
    } else if (/^call$/i.test(command) && words[0] !== undefined) {
      return wrapLaunch('cmd', read(words[0], words.slice(1)), cwd);
    }
  }
  return plainLaunch('cmd', [], { target: text, wrappers: ['cmd'] });
}

/** The line without its outer quotes, which cmd removes unless they enclose a single program path. */
function withoutOuterQuotes(text: string): string {
  const inner = /^"(.*)"$/s.exec(text)?.[1];
  return inner === undefined || (!inner.includes('"') && /\.(exe|cmd|bat)$/i.test(inner)) ? text : inner;
}

/** `powershell -NoProfile -Command npx …`, `pwsh -File x.ps1`. */
export function readPowershell(args: readonly string[], read: LaunchReader): LaunchSpec {
  const at = args.findIndex((word) => /^-(c|command|f|file|e|ec|encodedcommand)$/i.test(word));
  if (at < 0) {
    return plainLaunch('shell', [], { interpreter: 'powershell' });
  }
  const rest = args.slice(at + 1);
  if (/^-f/i.test(args[at] ?? '')) {
    return plainLaunch('shell', rest.slice(1), { interpreter: 'powershell', ...(rest[0] === undefined ? {} : { target: rest[0] }) });
  }
  const [command = '', ...words] = splitWindowsArgs(rest.join(' ').replace(/^&\s*/, ''));
  if (/^-e/i.test(args[at] ?? '') || command === '' || /[;|{}$]/.test(rest.join(' '))) {
    return plainLaunch('shell', [], { interpreter: 'powershell', target: rest.join(' '), wrappers: ['powershell'] });
  }
  return wrapLaunch('powershell', read(command.replace(/^'(.*)'$/, '$1'), words), undefined);
}
