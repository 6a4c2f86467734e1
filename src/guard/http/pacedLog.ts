import type { Log } from '../../base/log.ts';

/** Lines in a minute. */
const most = 30;

/**
 * A log for what single requests cause: clients decide how many there are, and standard error may be a file. At most 30 lines are written in a minute; the first
 * one of a later minute says how many were left out.
 * @param now epoch ms
 */
export function pacedLog(log: Log, now: () => number): Log {
  let minute = -1;
  let count = 0;
  const paced =
    (level: keyof Log) =>
    (message: string): void => {
      const current = Math.floor(now() / 60_000);
      if (current !== minute) {
        if (count > most) {
          log.warn(`${count - most} more lines about requests were left out`);
        }
        minute = current;
        count = 0;
      }
      count += 1;
      if (count <= most) {
        log[level](message);
      }
    };
  return { debug: paced('debug'), info: paced('info'), warn: paced('warn'), error: paced('error') };
}
