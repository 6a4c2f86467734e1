import { dirname, join } from 'node:path';
import { kernelProcFs, type ProcFs } from '../../process/linux/procFs.ts';

const maxBytes = 16_384;
const namespaces = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts'];
/** Who it is and what it may do, as `/proc/PID/status` says it. */
const rights = /^(?:Umask|Uid|Gid|Groups|Cap\w+|Cpus_allowed|Mems_allowed):/;
/** Filters of system calls, and what comes with a sandbox: their content cannot be read. */
const filters = /^(?:NoNewPrivs|Seccomp\w*):/;
const limits = ['memory.max', 'memory.high', 'memory.swap.max', 'cpu.max', 'pids.max'];
const cgroups = '/sys/fs/cgroup';

/**
 * Why a server that this process starts would have another sandbox or other limits than one that another process starts; undefined where it would have the same.
 * @param pid of a relay
 */
export function otherConfinement(pid: number, fs: ProcFs = kernelProcFs): string | undefined {
  try {
    const [own, other] = [parts('self', fs), parts(`${pid}`, fs)];
    const different = Object.keys(own).find((name) => own[name] !== other[name]);
    if (different !== undefined) {
      return `its relay has another ${different} than the host`;
    }
    // Filters are inherited and never taken off: with those of the first process, both have the same.
    return own.filters === lines('1', filters, fs) ? undefined : 'filters of system calls cannot be compared';
  } catch {
    return 'sandbox and limits cannot be compared';
  }
}

function parts(pid: string, fs: ProcFs): Readonly<Record<string, string>> {
  const read = (name: string): string => fs.read(`/proc/${pid}/${name}`, maxBytes).text;
  return {
    namespace: namespaces.map((name) => linkOrNone(`/proc/${pid}/ns/${name}`, fs)).join(' '),
    root: fs.link(`/proc/${pid}/root`),
    rights: lines(pid, rights, fs),
    filters: lines(pid, filters, fs),
    label: textOrNone(`/proc/${pid}/attr/current`, fs),
    // Node.js raises the lower limit of open files to the upper one in every process.
    limits: read('limits').replace(/^(Max open files\s+)\S+/m, '$1'),
    priority: read('stat').replace(/^.*\)/s, '').split(' ')[17] ?? '',
    'control group': cgroupText(read('cgroup'), fs),
  };
}

function lines(pid: string, wanted: RegExp, fs: ProcFs): string {
  return linesOf(fs.read(`/proc/${pid}/status`, maxBytes).text)
    .filter((line) => wanted.test(line))
    .join('\n');
}

function linesOf(text: string): string[] {
  return text.split('\n');
}

/** Groups of version 2 are equal where their limits are, step by step; a client in a terminal of its own has a group of its own. */
function cgroupText(text: string, fs: ProcFs): string {
  return linesOf(text)
    .map((line) => {
      const path = /^0::(\/.*)$/.exec(line)?.[1];
      return path === undefined ? line : limitsUp(path, fs).join(' ');
    })
    .join('\n');
}

function limitsUp(path: string, fs: ProcFs): string[] {
  const own = limits
    .map((name) => `${name}=${textOrNone(join(cgroups, path, name), fs).trim()}`)
    .filter((text) => !/=(?:max.*)?$/.test(text));
  return [...own, ...(path === '/' ? [] : limitsUp(dirname(path), fs))];
}

function linkOrNone(path: string, fs: ProcFs): string {
  try {
    return fs.link(path);
  } catch {
    return '';
  }
}

function textOrNone(path: string, fs: ProcFs): string {
  try {
    return fs.read(path, maxBytes).text;
  } catch {
    return '';
  }
}
