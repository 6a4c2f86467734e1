/** Deletes the entries of ended processes. @param remembered by identity key @param alive the identity keys to keep */
export function keepOnly(remembered: Map<string, unknown>, alive: ReadonlySet<string>): void {
  for (const key of remembered.keys()) {
    if (!alive.has(key)) {
      remembered.delete(key);
    }
  }
}
