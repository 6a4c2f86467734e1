/** A list that counts how often its items are read. */
export function counted<T>(items: readonly T[]): { readonly list: readonly T[]; reads(): number } {
  let reads = 0;
  const list = new Proxy(items, {
    get(target, key, receiver) {
      reads += typeof key === 'string' && /^\d+$/.test(key) ? 1 : 0;
      return Reflect.get(target, key, receiver);
    },
  });
  return { list, reads: () => reads };
}
