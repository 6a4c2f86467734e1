import { endianness } from 'node:os';
import { kernelProcFs, orNothing, type ProcFs } from './procFs.ts';
import { parseProcNetTcp } from './procNetTcp.ts';

const tableLimit = 32 * 1024 * 1024;

/**
 * The loopback ports on which one process accepts connections: by its descriptors where the system shows them (Linux), and what its own arguments say
 * (`--port 4096`, `--port=4096`). Never throws.
 */
export function ownPorts(pid: number, argv: readonly string[], fs: ProcFs = kernelProcFs, root = '/proc'): number[] {
  const fds = orNothing(() => fs.names(`${root}/${pid}/fd`)) ?? [];
  const inodes = new Set(
    fds.flatMap((fd) => /^socket:\[(\d+)\]$/.exec(orNothing(() => fs.link(`${root}/${pid}/fd/${fd}`)) ?? '')?.[1] ?? []),
  );
  const listening = ['tcp', 'tcp6'].flatMap((file) =>
    parseProcNetTcp(orNothing(() => fs.read(`${root}/${pid}/net/${file}`, tableLimit).text) ?? '', endianness() === 'LE').filter(
      (socket) => socket.state === 'listening' && inodes.has(socket.inode),
    ),
  );
  const said = argv.flatMap((word, index) => /^--port(?:=(\d+))?$/.exec(word)?.[1] ?? (argv[index - 1] === '--port' ? word : []));
  return [...new Set([...listening.map((socket) => socket.localPort), ...said.map(Number)])].filter((port) => port > 0 && port < 65_536);
}
