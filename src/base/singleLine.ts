/** Text of others on one line of ours: each run of control characters becomes one space. @param limit UTF-16 units that are kept */
export function singleLine(text: string, limit: number): string {
  return text.replace(/\p{Cc}+/gu, ' ').slice(0, limit);
}
