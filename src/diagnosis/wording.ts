import { t } from '../base/language/translate.ts';
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
      return t('{0} {1} is no longer installed', change.name, change.running ?? '').replace('  ', ' ');
    case 'content':
      return (
        change.inPlace
          ? t('{0} {1} has files that were changed or removed in place', change.name, change.installed ?? '')
          : t('{0} {1} was installed again with other content', change.name, change.installed ?? '')
      ).replace('  ', ' ');
    case 'downgrade':
      return t('{0} {1} → {2} (downgrade)', change.name, change.running ?? t('unknown'), change.installed ?? t('unknown'));
    default:
      return `${change.name} ${change.running ?? t('unknown')} → ${change.installed ?? t('unknown')}`;
  }
}
