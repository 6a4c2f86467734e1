import type { ProcessDetail } from '../../model/process.ts';

/** One open file of a process as `lsof -F` gives it. */
export interface LsofFile {
  /** `cwd`, `txt`, `0`, `1` … */
  readonly fd: string;
  /** `REG`, `DIR`, `CHR`, `PIPE` or `FIFO`, `unix`, `IPv4`, `IPv6` … */
  readonly type: string;
  readonly name: string;
  /** State of a TCP socket: `LISTEN`, `ESTABLISHED` … */
  readonly tcpState: string;
}

/** The fields that `parseLsofFields` reads: descriptor, type, name, TCP state. */
export const lsofFieldLetters = 'ftnT';

/** Parses the lines of `lsof -F ftnT` for one process (lsof(8), OUTPUT FOR OTHER PROGRAMS): one field a line after its letter; `f` begins a file. */
export function parseLsofFields(text: string): LsofFile[] {
  const files: { fd: string; type: string; name: string; tcpState: string }[] = [];
  for (const line of text.split('\n')) {
    const value = line.slice(1);
    const file = files.at(-1);
    if (line.startsWith('f')) {
      files.push({ fd: value, type: '', name: '', tcpState: '' });
    } else if (file && line.startsWith('t')) {
      file.type = value;
    } else if (file && line.startsWith('n')) {
      file.name = value;
    } else if (file && line.startsWith('TST=')) {
      file.tcpState = line.slice(4);
    }
  }
  return files;
}

/** The working directory and the program file, where lsof may read them. */
export function lsofPaths(files: readonly LsofFile[]): { readonly cwd?: string; readonly exe?: string } {
  // A refusal replaces the name: `/proc/12/cwd (readlink: Permission denied)`.
  const path = (fd: string): string | undefined => {
    const name = files.find((file) => file.fd === fd)?.name;
    return name?.startsWith('/') && !/ \((readlink|stat|open): [^)]*\)$/.test(name) ? name : undefined;
  };
  const cwd = path('cwd');
  const exe = path('txt');
  return { ...(cwd === undefined ? {} : { cwd }), ...(exe === undefined ? {} : { exe }) };
}

/**
 * The state of standard input. Only macOS prints the other end (`->0x…`, `->(none)`). A pipe without it may only be unreadable, so it is unknown. On other
 * systems pipes and sockets are unknown.
 */
export function lsofStdin(files: readonly LsofFile[]): ProcessDetail['stdin'] {
  const file = files.find((one) => one.fd === '0');
  if (!file) {
    return 'unknown';
  }
  switch (file.type) {
    case 'CHR':
      return file.name === '/dev/null' ? 'null-device' : /^\/dev\/(pts\/|tty|console|ptmx)/.test(file.name) ? 'terminal' : 'unknown';
    case 'REG':
    case 'VREG':
      return 'file';
    case 'PIPE':
    case 'unix':
      return /->0x[0-9a-f]*[1-9a-f]/i.test(file.name)
        ? 'connected'
        : file.type === 'unix' && file.name.includes('->(none)')
          ? 'none'
          : 'unknown';
    default:
      return 'unknown';
  }
}

/**
 * Whether a process accepts connections. On macOS UNIX listeners look like other UNIX sockets with a path, so such a socket makes the answer unknown.
 */
export function lsofListens(files: readonly LsofFile[]): boolean | 'unknown' {
  if (files.some((file) => file.tcpState === 'LISTEN' || (file.type === 'unix' && file.name.includes('(LISTEN)')))) {
    return true;
  }
  return files.some((file) => file.type === 'unix' && file.name.startsWith('/')) ? 'unknown' : false;
}
