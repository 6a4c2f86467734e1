/** Characters and bytes that are joined, copied, decoded and parsed until something has run. */
export async function steps(run: () => unknown): Promise<number> {
  const { parse } = JSON;
  const { concat } = Buffer;
  const { copy } = Buffer.prototype;
  const { join } = Array.prototype;
  const { decode } = TextDecoder.prototype;
  let count = 0;
  const counted = <T extends { readonly length: number }>(value: T): T => {
    count += value.length;
    return value;
  };
  try {
    JSON.parse = (text: string) => parse(counted(text));
    Buffer.concat = (list: readonly Uint8Array[]) => counted(concat(list)) as Buffer<ArrayBuffer>;
    Buffer.prototype.copy = function (...args: Parameters<typeof copy>) {
      const copied = copy.apply(this, args);
      count += copied;
      return copied;
    };
    Array.prototype.join = function (separator) {
      return counted(join.call(this, separator));
    };
    TextDecoder.prototype.decode = function (...args) {
      return counted(decode.apply(this, args));
    };
    await run();
  } finally {
    Object.assign(JSON, { parse });
    Object.assign(Buffer, { concat });
    Object.assign(Buffer.prototype, { copy });
    Object.assign(Array.prototype, { join });
    Object.assign(TextDecoder.prototype, { decode });
  }
  return count;
}
