import { type RunProgram, runProgram, systemProgram } from '../base/runProgram.ts';

/** A process with the link of its descriptor 0. */
export interface Input {
  readonly pid: number;
  readonly link: string;
}

/** Where ss and python3 are. */
const folders = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/run/current-system/sw/bin'];

/**
 * How many bytes lie in the standard input of each process and have not been read. Sockets: the kernel's table, by ss(8) of iproute2. Pipes: FIONREAD
 * (pipe(7)) by python3, for which the pipe is opened for a moment, and nothing read of it. What cannot be told is left out. Linux. Never rejects.
 */
export async function unreadInput(inputs: readonly Input[], run: RunProgram = runProgram): Promise<ReadonlyMap<number, number>> {
  const sockets = inputs.filter(({ link }) => link.startsWith('socket:['));
  const pipes = inputs.filter(({ link }) => link.startsWith('pipe:['));
  const [inSockets, inPipes] = await Promise.all([
    sockets.length === 0 ? '' : output('ss', ['-x', '-n', '-a', '-H'], run),
    pipes.length === 0
      ? ''
      : output('python3', ['-I', '-S', '-c', pipeText, ...pipes.flatMap(({ pid, link }) => [String(pid), link])], run),
  ]);
  const queues = parseSocketQueues(inSockets);
  const found = new Map<number, number>();
  for (const { pid, link } of sockets) {
    const bytes = queues.get(link.slice('socket:['.length, -1));
    if (bytes !== undefined) {
      found.set(pid, bytes);
    }
  }
  for (const [, pid, bytes] of inPipes.matchAll(/^(\d+) (\d+)$/gm)) {
    found.set(Number(pid), Number(bytes));
  }
  return found;
}

/** Prints "PID BYTES" for each pipe that is still what it was. */
const pipeText = [
  'import array, fcntl, os, sys, termios',
  'for pid, link in zip(sys.argv[1::2], sys.argv[2::2]):',
  '    try:',
  '        name = "/proc/%d/fd/0" % int(pid)',
  '        if os.readlink(name) != link: continue',
  '        fd = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)',
  '        try:',
  '            if os.readlink("/proc/self/fd/%d" % fd) == link:',
  '                size = array.array("i", [0])',
  '                fcntl.ioctl(fd, termios.FIONREAD, size)',
  '                print(pid, size[0])',
  '        finally: os.close(fd)',
  '    except (OSError, ValueError): pass',
].join('\n');

/**
 * Parses what `ss -xnaH` prints: netid, state, bytes received and not read, bytes sent and not read, then for each end its path (or `*`) and inode.
 * @returns bytes by inode; only those of connected streams
 */
export function parseSocketQueues(text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, bytes, inode] = /^u_str\s+ESTAB\s+(\d+)\s+\d+\s+.*\s(\d+)\s+\S+\s+\d+\s*$/.exec(line) ?? [];
    if (bytes !== undefined && inode !== undefined) {
      found.set(inode, Number(bytes));
    }
  }
  return found;
}

async function output(name: string, args: readonly string[], run: RunProgram): Promise<string> {
  const program = systemProgram(name, folders);
  try {
    return program === undefined ? '' : await run(program, args);
  } catch {
    return '';
  }
}
