import { kernelProcFs, orNothing, type ProcFs } from './linux/procFs.ts';
import { readProcNetTcp } from './linux/procNetTcp.ts';
import { socketInode } from './linux/procSockets.ts';

/**
 * The ports on which one process accepts connections: those of its descriptors where the system shows them (Linux), and those in its arguments
 * (`--port 4096`, `--port=4096`). Never throws.
 */
export function ownPorts(pid: number, argv: readonly string[], fs: ProcFs = kernelProcFs, root = '/proc'): number[] {
  const fds = orNothing(() => fs.names(`${root}/${pid}/fd`)) ?? [];
  const inodes = new Set(fds.map((fd) => socketInode(orNothing(() => fs.link(`${root}/${pid}/fd/${fd}`)) ?? '')));
  const sockets = readProcNetTcp(fs, `${root}/${pid}`) ?? [];
  const listening = sockets.filter((socket) => socket.state === 'listening' && inodes.has(socket.inode));
  const named = argv.flatMap((word, index) => /^--port(?:=(\d+))?$/.exec(word)?.[1] ?? (argv[index - 1] === '--port' ? word : []));
  return [...new Set([...listening.map((socket) => socket.localPort), ...named.map(Number)])].filter((port) => port > 0 && port < 65_536);
}
