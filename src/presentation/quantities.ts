import { t } from '../base/language/translate.ts';
import { sizeText } from '../base/sizeText.ts';

const megabyte = 1024 ** 2;
const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** "12s", "5m", "3h 10m", "4d 2h": two units at most; a negative time is "0s". @param ms milliseconds */
export function duration(ms: number): string {
  if (ms < minute) {
    return `${Math.max(0, Math.floor(ms / 1000))}s`;
  }
  if (ms < hour) {
    return `${Math.floor(ms / minute)}m`;
  }
  return ms < day ? twoUnits(ms, hour, 'h', minute, 'm') : twoUnits(ms, day, 'd', hour, 'h');
}

function twoUnits(ms: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((ms % large) / small);
  const whole = `${Math.floor(ms / large)}${largeName}`;
  return rest === 0 ? whole : `${whole} ${rest}${smallName}`;
}

/** How long something has run, coarse so that a view seldom changes: "just started", "5 min", "3 h", "2 days". @param startedAt ISO 8601 @param now epoch ms */
export function roundedAge(startedAt: string, now: number): string {
  const age = Math.max(0, now - Date.parse(startedAt));
  if (age < minute) {
    return t('just started');
  }
  if (age < hour) {
    return t('{0} min', Math.floor(age / minute));
  }
  return age < 2 * day ? t('{0} h', Math.floor(age / hour)) : t('{0} days', Math.floor(age / day));
}

/** "85 MB", "1.2 GB" (1 MB = 1024 × 1024 bytes, as `ps` and `top` count); "–" when unknown (0). */
export function memory(bytes: number): string {
  if (bytes <= 0) {
    return '–';
  }
  return sizeText(Math.max(bytes, megabyte));
}

/** Two significant digits ("58 MB", "120 MB", "1.2 GB"), so that a view seldom changes. Undefined when unknown (0). */
export function roundedMemory(bytes: number): string | undefined {
  if (bytes <= 0) {
    return undefined;
  }
  return sizeText(Math.max(Number((bytes / megabyte).toPrecision(2)), 1) * megabyte);
}

/** "1 server", "12 servers". */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** A path with `~` for the home folder. Accepts `/` and `\` on every system; an empty home changes nothing. */
export function homePath(file: string, home: string): string {
  const inside = home === '' ? undefined : pathBelow(file, home);
  return inside === undefined ? file : `~/${inside}`;
}

/** The rest of a path that lies below a folder, with `/`; undefined when it does not. */
export function pathBelow(file: string, folder: string): string | undefined {
  const base = folder.replace(/[\\/]+$/, '');
  return file.startsWith(base) && /^[\\/]/.test(file.slice(base.length)) ? file.slice(base.length + 1).replaceAll('\\', '/') : undefined;
}

/** "2026-11-21 14:02:05", local time: sorts and reads the same everywhere. What is no time stays as it is. @param timeZone IANA name; default: where this runs */
export function localTime(iso: string, timeZone?: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? iso : date.toLocaleString('sv-SE', timeZone === undefined ? {} : { timeZone });
}
