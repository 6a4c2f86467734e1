import type { PackageChange } from '../model/package.ts';

const dayMs = 86_400_000;

/**
 * A time for display, in local time: "14:02" today, "Tue 14:02" within six days, else "3 Nov 14:02" (with the year when it differs).
 * @param at epoch ms
 * @param now epoch ms
 */
export function moment(at: number, now: number): string {
  const date = new Date(at);
  const today = new Date(now);
  const time = `${String(date.getHours()).padStart(2, '0')}:${String(date.getMinutes()).padStart(2, '0')}`;
  if (date.toDateString() === today.toDateString()) {
    return time;
  }
  if (Math.abs(now - at) < 6 * dayMs) {
    return `${date.toLocaleDateString('en-GB', { weekday: 'short' })} ${time}`;
  }
  const sameYear = date.getFullYear() === today.getFullYear();
  return `${date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', ...(sameYear ? {} : { year: 'numeric' }) })} ${time}`;
}

/** "chromadb 0.6.3 → 1.5.7"; a downgrade, a removal and a reinstall are named. */
export function changeText(change: PackageChange): string {
  switch (change.direction) {
    case 'removed':
      return `${change.name} ${change.running ?? ''} is no longer installed`.replace('  ', ' ');
    case 'content':
      return `${change.name} ${change.installed ?? ''} ${contentText(change)}`.replace('  ', ' ');
    case 'downgrade':
      return `${change.name} ${change.running ?? 'unknown'} → ${change.installed ?? 'unknown'} (downgrade)`;
    default:
      return `${change.name} ${change.running ?? 'unknown'} → ${change.installed ?? 'unknown'}`;
  }
}

/** What happened to a package of the same version with other content. */
export function contentText({ inPlace }: PackageChange): string {
  return inPlace ? 'has files that were changed or removed in place' : 'was installed again with other content';
}
