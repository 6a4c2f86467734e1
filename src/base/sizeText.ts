const units = ['kB', 'MB', 'GB'] as const;

/** "12 bytes", "85 MB", "1.2 GB": 1 MB = 1024 × 1024 bytes, as `ps` and `top` count; above 999 of a unit the next one. @param bytes 0 or more */
export function sizeText(bytes: number): string {
  if (bytes < 1000) {
    return `${bytes} bytes`;
  }
  let size = bytes / 1024;
  let at = 0;
  while (size >= 1000 && at < units.length - 1) {
    size /= 1024;
    at += 1;
  }
  return `${at < 2 ? Math.round(size) : Number.isInteger(size) ? size : size.toFixed(1)} ${units[at]}`;
}
