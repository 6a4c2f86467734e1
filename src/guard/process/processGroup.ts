import { readdirSync, readFileSync } from 'node:fs';
import { errorCode } from '../../base/errors.ts';

/**
 * Whether anybody of a process group still runs. kill(2) finds zombies too, and where nobody collects them they stay for ever, so on Linux the
 * kernel's table is asked who they are.
 * @param group a positive number
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
  let pids: string[];
  try {
    pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return true;
  }
  return pids.some((pid) => {
    try {
      const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
      const [state, , pgrp] = text.slice(text.lastIndexOf(')') + 2).split(' ');
      return Number(pgrp) === group && state !== 'Z' && state !== 'X';
    } catch {
      // It ended while we looked.
      return false;
    }
  });
}
