import * as v from 'valibot';
import { readWhole, writeWhole, writeWholeOnce } from './atomicFile.ts';

/** Our own records are small; anything larger was not written by us. */
const maxBytes = 1_048_576;

/**
 * Reads one of our own JSON records. Undefined when it is absent, is no plain file, is too large, does not parse or has another shape:
 * a record is a memory, and what cannot be remembered is simply not known.
 */
export function readRecord<const S extends v.GenericSchema>(file: string, schema: S): v.InferOutput<S> | undefined {
  const whole = readWhole(file, maxBytes);
  if ('problem' in whole) {
    return undefined;
  }
  try {
    const result = v.safeParse(schema, JSON.parse(whole.text));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}

/** Writes a record so that readers see the old one or the new one, never a part. @throws on I/O errors */
export function writeRecord(file: string, value: unknown): void {
  writeWhole(file, `${JSON.stringify(value)}\n`);
}

/** Writes a record only if there is none yet; whoever is first wins, also among processes. @returns whether this call wrote it. @throws on I/O errors other than "exists" */
export function writeRecordOnce(file: string, value: unknown): boolean {
  return writeWholeOnce(file, `${JSON.stringify(value)}\n`);
}
