import type * as Crypto from 'node:crypto';
import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);

/**
 * `node:crypto`, loaded when it is first asked for: OpenSSL costs a process 3 MB and 5 ms of its start (measured, Node.js 24), and most guards hash nothing in
 * all their life.
 */
export function openssl(): typeof Crypto {
  return load('node:crypto');
}
