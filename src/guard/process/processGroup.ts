import { errorCode } from '../../base/errors.ts';
import { kernelProcFs } from '../../process/linux/procFs.ts';

/**
 * Whether a process of a group still runs. kill(2) also finds zombies, which stay when their parent does not wait for them. On Linux /proc tells them apart.
 * @param group its id, a positive number
 */
export function isGroupAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
  return process.platform !== 'linux' || hasRunningMember(group);
}

function hasRunningMember(group: number): boolean {
  let pids: readonly string[];
  try {
    pids = kernelProcFs.names('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return true;
  }
  return pids.some((pid) => {
    try {
      const text = kernelProcFs.read(`/proc/${pid}/stat`, 4_096, 'at once').text;
      const [state, , pgrp] = text.slice(text.lastIndexOf(')') + 2).split(' ');
      return Number(pgrp) === group && state !== 'Z' && state !== 'X';
    } catch {
      // It ended in the meantime.
      return false;
    }
  });
}
