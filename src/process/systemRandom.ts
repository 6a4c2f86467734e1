import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { openssl } from './openssl.ts';

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
