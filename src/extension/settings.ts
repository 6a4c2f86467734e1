import { type ConfigurationScope, workspace } from 'vscode';
import { type CopyLimits, usualCopyLimits } from '../survey/surveyor.ts';
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

/** Whether the user lets registries be asked for newer versions. */
export function asksRegistries(): boolean {
  return read<boolean>(settings.registryEnabled, true) !== false;
}

/** From where on idle copies of a server need attention. A value that is no number above 0 is not used. */
export function copyLimits(): CopyLimits {
  const above0 = (value: unknown, usual: number): number => (typeof value === 'number' && value > 0 ? value : usual);
  const { copies, memoryBytes } = usualCopyLimits;
  const megabyte = 1024 ** 2;
  return {
    copies: above0(read<unknown>(settings.copiesMinimum, copies), copies),
    memoryBytes: above0(read<unknown>(settings.copiesMemory, memoryBytes / megabyte), memoryBytes / megabyte) * megabyte,
  };
}

/** Whether this window is in Restricted Mode: no registry is asked for servers of its folders, by this window or any other program of ours. */
export function isRestricted(): boolean {
  return !workspace.isTrusted;
}

function read<T>(name: string, fallback: T, scope?: ConfigurationScope): T {
  return workspace.getConfiguration(undefined, scope).get<T>(name, fallback);
}
