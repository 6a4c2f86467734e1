import { readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

/** Larger objects are not read. */
export const maxObjectBytes = 16 * 1024 * 1024;
const maxPacks = 64;
/** At most about a second of work. */
const maxWorkBytes = 128 * 1024 * 1024;

/** The work on the objects of repositories that a stranger may have written: bytes that are read, unpacked, put together and searched. */
export class WorkLimit {
  readonly #most: number;
  #spent = 0;

  constructor(most: number = maxWorkBytes) {
    this.#most = most;
  }

  /** Bytes so far. */
  get spent(): number {
    return this.#spent;
  }

  /** Notes work before it is done. @throws when it is too much; so does every later call */
  spend(bytes: number): void {
    if (this.#spent + bytes > this.#most) {
      this.#spent = Math.max(this.#spent, this.#most);
      throw new RangeError('too much work');
    }
    this.#spent += bytes;
  }
}

/** The packs of a repository, without their endings. */
export function listPacks(folder: string): string[] {
  try {
    const names = readdirSync(join(folder, 'pack')).filter((name) => name.endsWith('.idx'));
    return names.slice(0, maxPacks).map((name) => join(folder, 'pack', name.slice(0, -4)));
  } catch {
    return [];
  }
}

/** The offset of an object in a pack; undefined when it is not in it. Index version 2: 256 counts, sorted ids, checksums, offsets, large offsets. */
export function offsetOf(handle: number, id: string): number | undefined {
  const head = slice(handle, 0, 8 + 256 * 4);
  if (head.readUInt32BE(0) !== 0xff744f63 || head.readUInt32BE(4) !== 2) {
    return undefined;
  }
  const count = (index: number): number => (index < 0 ? 0 : head.readUInt32BE(8 + index * 4));
  const first = Number.parseInt(id.slice(0, 2), 16);
  const [from, to, all] = [count(first - 1), count(first), count(255)];
  const idBytes = id.length / 2;
  const wanted = Buffer.from(id, 'hex');
  for (let low = 0, high = to - from; low < high; ) {
    const middle = Math.floor((low + high) / 2);
    const order = slice(handle, head.length + (from + middle) * idBytes, idBytes).compare(wanted);
    if (order === 0) {
      const table = head.length + all * (idBytes + 4);
      const offset = slice(handle, table + (from + middle) * 4, 4).readUInt32BE(0);
      return offset < 0x8000_0000 ? offset : Number(slice(handle, table + all * 4 + (offset - 0x8000_0000) * 8, 8).readBigUInt64BE(0));
    }
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return undefined;
}

/** Reads an object's type and unpacked length. @returns `next` is the offset behind them, in bytes */
export function objectHead(bytes: Buffer): { readonly type: number; readonly length: number; readonly next: number } {
  let byte = bytes.readUInt8(0);
  const type = (byte >> 4) & 7;
  let length = byte & 15;
  let next = 1;
  for (let scale = 16; byte & 0x80; scale *= 128) {
    byte = bytes.readUInt8(next);
    length += (byte & 0x7f) * scale;
    next += 1;
  }
  return { type, length, next };
}

/** The distance in bytes from a delta back to its base in the pack. */
export function backOffset(bytes: Buffer, at: number): { readonly distance: number; readonly next: number } {
  let byte = bytes.readUInt8(at);
  let distance = byte & 0x7f;
  let next = at + 1;
  while (byte & 0x80) {
    byte = bytes.readUInt8(next);
    distance = (distance + 1) * 128 + (byte & 0x7f);
    next += 1;
  }
  return { distance, next };
}

/** Applies a delta: both lengths, then copies from the base and insertions. @throws when it is not a delta of this base, or makes too large an object */
export function applyDelta(base: Buffer, delta: Buffer): Buffer {
  let at = 0;
  const number = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = delta.readUInt8(at);
      at += 1;
      value += (byte & 0x7f) * scale;
      if (!(byte & 0x80)) {
        return value;
      }
    }
  };
  const [from, to] = [number(), number()];
  if (base.length !== from || !(to <= maxObjectBytes)) {
    throw new Error('no delta of this object');
  }
  // Written in place: a list of the parts would be larger than any object.
  const result = Buffer.alloc(to);
  let made = 0;
  while (at < delta.length) {
    const step = delta.readUInt8(at);
    at += 1;
    let [source, offset, length] = [delta, at, step];
    if (step & 0x80) {
      [source, offset, length] = [base, 0, 0];
      for (let bit = 0; bit < 7; bit += 1) {
        if (step & (1 << bit)) {
          const byte = delta.readUInt8(at);
          at += 1;
          offset += bit < 4 ? byte * 256 ** bit : 0;
          length += bit < 4 ? 0 : byte * 256 ** (bit - 4);
        }
      }
      length ||= 0x10000;
    } else {
      at += length;
    }
    // Git reserves step 0.
    if (step === 0 || offset + length > source.length || made + length > to) {
      throw new Error('no delta of this object');
    }
    made += source.copy(result, made, offset, offset + length);
  }
  if (made !== to) {
    throw new Error('no delta of this object');
  }
  return result;
}

/** Part of a file. @throws RangeError where the file is shorter */
export function slice(handle: number, at: number, length: number): Buffer {
  if (!(length >= 0) || length > maxObjectBytes * 2) {
    throw new RangeError('no such part');
  }
  const buffer = Buffer.alloc(length);
  if (readSync(handle, buffer, 0, length, at) !== length) {
    throw new RangeError('the file is shorter');
  }
  return buffer;
}
