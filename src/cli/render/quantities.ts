const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** "12s", "5m", "3h 10m", "4d 2h": how long something lasts, two units at most. Clocks that disagree give "0s". @param ms milliseconds */
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

/** "85 MB", "1.2 GB" (1 MB = 1024 × 1024 bytes, as the system's own tools count); "–" when unknown (0). @param bytes resident memory */
export function memory(bytes: number): string {
  if (bytes <= 0) {
    return '–';
  }
  const megabytes = bytes / 1024 ** 2;
  return megabytes >= 1000 ? `${(megabytes / 1024).toFixed(1)} GB` : `${Math.max(1, Math.round(megabytes))} MB`;
}

/** "1 server", "12 servers". */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
