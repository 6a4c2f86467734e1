import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { openssl, systemRandom } from '../../base/random.ts';
import { readWhole, writeWhole } from '../../storage/atomicFile.ts';
import type { LockDirectory } from '../lockDirectory.ts';

const secretPattern = /^[0-9a-f]{64}\n?$/;

function secretFile(directory: LockDirectory, instance: string): string {
  return join(directory.instances, `${instance}.secret`);
}

/** Creates the secret of an instance: 32 random bytes in a file that only this user can read. It is not in the record. @throws on I/O errors */
export function createControlSecret(directory: LockDirectory, instance: string): Buffer {
  const secret = systemRandom(32);
  writeWhole(secretFile(directory, instance), `${secret.toString('hex')}\n`);
  return secret;
}

/** @param instance 32 hex digits, checked by the caller. Never throws. */
export function readControlSecret(directory: LockDirectory, instance: string): { readonly secret: Buffer } | { readonly refused: string } {
  const whole = readWhole(secretFile(directory, instance), 256, directory.uid);
  if ('problem' in whole) {
    return { refused: `its control secret cannot be read (${whole.problem})` };
  }
  return secretPattern.test(whole.text)
    ? { secret: Buffer.from(whole.text.trim(), 'hex') }
    : { refused: 'its control secret is not valid' };
}

/** Never throws. */
export function removeControlSecret(directory: LockDirectory, instance: string): void {
  try {
    rmSync(secretFile(directory, instance), { force: true });
  } catch {
    // `clearDeadRecords` removes it later.
  }
}

/** 16 random bytes as hex, for one connection. */
export function newNonce(): string {
  return systemRandom(16).toString('hex');
}

/**
 * HMAC-SHA256 of two nonces, as hex. The client's proof is over (server's, client's), the server's over (client's, server's): neither can be derived from the
 * other, and each is valid for one connection only.
 */
export function proofOf(secret: Buffer, first: string, second: string): string {
  return openssl().createHmac('sha256', secret).update(Buffer.from(first, 'hex')).update(Buffer.from(second, 'hex')).digest('hex');
}

/** Compares in constant time. */
export function isProof(value: unknown, expected: string): boolean {
  return (
    typeof value === 'string' && value.length === expected.length && openssl().timingSafeEqual(Buffer.from(value), Buffer.from(expected))
  );
}
