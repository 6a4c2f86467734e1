import type * as Crypto from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);

/**
 * `node:crypto`, loaded at the first call. OpenSSL costs a process 3 MB of memory and 5 ms at its start (measured, Node.js 24), and most guards never hash anything.
 */
export function openssl(): typeof Crypto {
  return load('node:crypto');
}

/** The kernel's random generator (random(4) on Linux and macOS). */
const device = '/dev/urandom';

/**
 * Random bytes that are fit for secrets: from the kernel's device, so that a guard need not load OpenSSL for a few bytes, otherwise from `node:crypto`.
 * @param bytes number of bytes
 */
export function systemRandom(bytes: number): Buffer {
  return fromKernel(bytes) ?? openssl().randomBytes(bytes);
}

function fromKernel(bytes: number): Buffer | undefined {
  let file: number | undefined;
  try {
    file = openSync(device, 'r');
    const buffer = Buffer.alloc(bytes);
    return fstatSync(file).isCharacterDevice() && readSync(file, buffer, 0, bytes, null) === bytes ? buffer : undefined;
  } catch {
    // Windows has no such device, and some containers have none either.
    return undefined;
  } finally {
    if (file !== undefined) {
      closeSync(file);
    }
  }
}
