import { type ConfigurationScope, workspace } from 'vscode';
import { type RegistryMode, staysOffline } from '../survey/updates/registryClient.ts';
import { settings } from './manifestNames.ts';

type NotificationMode = 'all' | 'thisWindow' | 'off';

/** Where an upgrade is announced: in `all` windows, in the window that runs the server, or nowhere. Unknown values count as `all`. */
export function notificationMode(): NotificationMode {
  const value = read<string>(settings.notifications, 'all');
  return value === 'off' || value === 'thisWindow' ? value : 'all';
}

/** Whether the status bar shows an icon when nothing needs attention. */
export function showWhenCurrent(): boolean {
  return read<boolean>(settings.showWhenCurrent, true) !== false;
}

/** Whether registries may be asked for newer versions. `cached`: only answers from earlier are used. */
export function registryMode(): RegistryMode {
  if (read<boolean>(settings.registryEnabled, true) === false) {
    return 'off';
  }
  return staysOffline(process.env) ? 'cached' : 'ask';
}

/** Whether this window is in Restricted Mode: no registry is asked for servers of its folders, by this window or any other program of ours. */
export function isRestricted(): boolean {
  return !workspace.isTrusted;
}

function read<T>(name: string, fallback: T, scope?: ConfigurationScope): T {
  return workspace.getConfiguration(undefined, scope).get<T>(name, fallback);
}
