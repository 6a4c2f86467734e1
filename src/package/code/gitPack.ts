import { closeSync, constants, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

/** Larger objects, and indexes with larger parts, are not read. */
export const maxObjectBytes = 16 * 1024 * 1024;
const maxPacks = 64;

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
  if ((to - from) * idBytes > maxObjectBytes || to < from) {
    return undefined;
  }
  const ids = slice(handle, head.length + from * idBytes, (to - from) * idBytes);
  const wanted = Buffer.from(id, 'hex');
  for (let low = 0, high = to - from; low < high; ) {
    const middle = (low + high) >>> 1;
    const order = ids.compare(wanted, 0, idBytes, middle * idBytes, (middle + 1) * idBytes);
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

/** Applies a delta: both lengths, then copies from the base and insertions. @throws when it is not a delta */
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
  const parts: Buffer[] = [];
  let made = 0;
  while (at < delta.length && made <= maxObjectBytes) {
    const step = delta.readUInt8(at);
    at += 1;
    const field = (bits: readonly number[]): number => {
      let value = 0;
      for (const [index, bit] of bits.entries()) {
        if (step & bit) {
          value += delta.readUInt8(at) * 256 ** index;
          at += 1;
        }
      }
      return value;
    };
    const offset = step & 0x80 ? field([1, 2, 4, 8]) : at;
    const length = step & 0x80 ? field([16, 32, 64]) || 0x10000 : step;
    const part = step & 0x80 ? base.subarray(offset, offset + length) : delta.subarray(at, at + length);
    at += step & 0x80 ? 0 : length;
    parts.push(part);
    made += part.length;
  }
  if (base.length !== from || made !== to) {
    throw new Error('no delta of this object');
  }
  return Buffer.concat(parts);
}

/** Opens a regular file for one use. Undefined when there is no regular file. @throws I/O errors */
export function withFile<T>(path: string, use: (handle: number, size: number) => T): T | undefined {
  let handle: number | undefined;
  try {
    handle = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stat = fstatSync(handle);
    return stat.isFile() ? use(handle, stat.size) : undefined;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return undefined;
    }
    throw error;
  } finally {
    if (handle !== undefined) {
      closeSync(handle);
    }
  }
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
