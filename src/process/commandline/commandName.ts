const windowsPath = /^[a-z]:[\\/]|^\\\\|^%\w+%\\|^\.{1,2}\\/i;
const windowsSuffix = /\.(exe|cmd|bat|ps1)$/i;

/** Whether a path has the form of a Windows path, on any system. */
export function isWindowsPath(path: string): boolean {
  return windowsPath.test(path);
}

/** Last part of a path. A backslash is a separator only in Windows paths and in paths with a suffix of Windows programs. */
export function lastPart(path: string): string {
  const windows = isWindowsPath(path) || windowsSuffix.test(path);
  const parts = path.split(windows ? /[\\/]+/ : /\/+/).filter((part) => part !== '');
  return parts.at(-1) ?? '';
}

/**
 * The program's name: last part of the path, without `.exe`, `.cmd`, `.bat`, `.ps1` and the leading dash of login shells. In lower case for Windows paths and
 * suffixes, because Windows ignores case.
 */
export function commandName(command: string): string {
  const last = lastPart(command);
  const bare = last.replace(windowsSuffix, '').replace(/^-(?=\w)/, '');
  return last !== last.replace(windowsSuffix, '') || isWindowsPath(command) ? bare.toLowerCase() : bare;
}

/** node, nodejs, node-24 … */
export function isNode(name: string): boolean {
  return /^(node|nodejs|node-?\d+(\.\d+)*)$/i.test(name);
}

/** python, python3.11, pythonw, pypy3, py … */
export function isPython(name: string): boolean {
  return /^(python|pythonw|pypy)(\d+(\.\d+)*)?t?$|^pyw?$/i.test(name);
}

/** sh, bash, zsh, dash, fish …, not `busybox`. */
export function isShell(name: string): boolean {
  return /^(sh|bash|zsh|dash|ash|ksh|mksh|fish|rbash)$/.test(name);
}

/** ruby, perl, java, php …: interpreters whose command lines are not parsed. */
export function isOtherInterpreter(name: string): boolean {
  return /^(ruby|perl|java|dotnet|php|lua|luajit|Rscript|julia|beam\.smp)[\d.]*$/.test(name);
}
