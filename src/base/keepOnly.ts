/** Drops what is remembered of processes that are gone. @param remembered by the key of the identity @param alive the keys that stay */
export function keepOnly(remembered: Map<string, unknown>, alive: ReadonlySet<string>): void {
  for (const key of remembered.keys()) {
    if (!alive.has(key)) {
      remembered.delete(key);
    }
  }
}
