import { existsSync } from 'node:fs';
import type { ListenerTable } from '../model/process.ts';
import { ProcListeners } from './linux/procListeners.ts';
import { LsofListeners } from './otherSystems/lsofListeners.ts';
import { WindowsListeners } from './otherSystems/windowsListeners.ts';

/** The table of listening ports: `/proc/net` on Linux and Android, `Get-NetTCPConnection` on Windows, `lsof` elsewhere. */
export function createListenerTable(platform: NodeJS.Platform = process.platform): ListenerTable {
  if (platform === 'win32') {
    return new WindowsListeners();
  }
  return (platform === 'linux' || platform === 'android') && existsSync('/proc/self/net/tcp') ? new ProcListeners() : new LsofListeners();
}
