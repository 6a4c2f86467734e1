import type * as Crypto from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);

/**
 * `node:crypto`, loaded when it is first asked for: OpenSSL costs a process 3 MB and 5 ms of its start (measured, Node.js 24), and most guards hash nothing in
 * all their life.
 */
export function openssl(): typeof Crypto {
  return load('node:crypto');
}

/** The kernel's own generator (Linux: random(4); macOS: random(4)). */
const device = '/dev/urandom';

/**
 * Random bytes fit for secrets: from the kernel where it has a device for them, so that a guard needs no OpenSSL for the few it uses, otherwise by `node:crypto`.
 * @param bytes how many
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
    // Windows has none, and not every container has its devices.
    return undefined;
  } finally {
    if (file !== undefined) {
      closeSync(file);
    }
  }
}
