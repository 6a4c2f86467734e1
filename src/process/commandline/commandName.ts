const windowsPath = /^[a-z]:[\\/]|^\\\\|^%\w+%\\|^\.{1,2}\\/i;
const windowsSuffix = /\.(exe|cmd|bat|ps1)$/i;

/** Whether a path is to be read the Windows way: by its shape, whatever system we run on. */
export function isWindowsPath(path: string): boolean {
  return windowsPath.test(path);
}

/** Last part of a path of either kind. A backslash separates only in paths that look like Windows ones or end like its programs. */
export function lastPart(path: string): string {
  const windows = isWindowsPath(path) || windowsSuffix.test(path);
  const parts = path.split(windows ? /[\\/]+/ : /\/+/).filter((part) => part !== '');
  return parts.at(-1) ?? '';
}

/**
 * The program that a command names: last part of the path, without `.exe`, `.cmd`, `.bat`, `.ps1`, and without the dash by which login
 * shells are marked. Lower case where the suffix or the path say Windows, because names are the same there in any case.
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

/** sh, bash, zsh, dash, fish, busybox sh is not among them … */
export function isShell(name: string): boolean {
  return /^(sh|bash|zsh|dash|ash|ksh|mksh|fish|rbash)$/.test(name);
}
