import { type ConfigurationScope, workspace } from 'vscode';
import { type CopyLimits, type LoadLimits, usualCopyLimits, usualLoadLimits } from '../survey/surveyor.ts';
import { type NotificationKind, notificationKinds, usualNotificationKinds } from './display/announcements.ts';
import { settings } from './manifestNames.ts';

const megabyte = 1024 ** 2;
const minute = 60_000;

type NotificationMode = 'all' | 'thisWindow' | 'off';

/** Where an upgrade is announced: in `all` windows, in the window that runs the server, or nowhere. Unknown values count as `all`. */
export function notificationMode(): NotificationMode {
  const value = read<string>(settings.notifications, 'all');
  return value === 'off' || value === 'thisWindow' ? value : 'all';
}

/** The kinds of problems that cause notifications. A kind that the user has not set counts as usual. */
export function wantedNotifications(): readonly NotificationKind[] {
  const value = read<unknown>(settings.notificationKinds, {});
  const chosen: Readonly<Record<string, unknown>> = typeof value === 'object' && value !== null ? { ...value } : {};
  return (Object.keys(notificationKinds) as NotificationKind[]).filter((kind) =>
    typeof chosen[kind] === 'boolean' ? chosen[kind] : usualNotificationKinds.includes(kind),
  );
}

/** Whether a stale server of this window is restarted by itself once it has done nothing for an hour. */
export function restartsIdle(): boolean {
  return read<boolean>(settings.restartStaleWhenIdle, false) === true;
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
  const { copies, memoryBytes } = usualCopyLimits;
  return {
    copies: above0(settings.copiesMinimum, copies),
    memoryBytes: above0(settings.copiesMemory, memoryBytes / megabyte) * megabyte,
  };
}

/** From where on starts, processor time and memory of a server need attention. A value that is no number above 0 is not used. */
export function loadLimits(): LoadLimits {
  const { starts, busyMs, grownBytes } = usualLoadLimits;
  return {
    starts: Math.max(2, above0(settings.stormStarts, starts)),
    busyMs: above0(settings.runawayMinutes, busyMs / minute) * minute,
    grownBytes: above0(settings.runawayMemory, grownBytes / megabyte) * megabyte,
  };
}

function above0(name: string, usual: number): number {
  const value = read<unknown>(name, usual);
  return typeof value === 'number' && value > 0 ? value : usual;
}

/** Whether this window is in Restricted Mode: no registry is asked for servers of its folders, by this window or any other program of ours. */
export function isRestricted(): boolean {
  return !workspace.isTrusted;
}

function read<T>(name: string, fallback: T, scope?: ConfigurationScope): T {
  return workspace.getConfiguration(undefined, scope).get<T>(name, fallback);
}
