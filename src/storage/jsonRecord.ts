import * as v from 'valibot';
import { readWhole, writeWhole, writeWholeOnce } from './atomicFile.ts';

/** Our own records are much smaller. */
const maxBytes = 1_048_576;

/**
 * Reads one of our own JSON records. Undefined when it is absent, not a plain file, of another user, too large, not JSON or of another shape: without a record
 * the fact is unknown.
 */
export function readRecord<const S extends v.GenericSchema>(file: string, schema: S): v.InferOutput<S> | undefined {
  const whole = readWhole(file, maxBytes, process.geteuid?.());
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

/** Replaces a record by rename, so that readers see the whole old or the whole new one. @throws on I/O errors */
export function writeRecord(file: string, value: unknown): void {
  writeWhole(file, `${JSON.stringify(value)}\n`);
}

/** Writes a record only if it does not exist; of several processes, one succeeds. @returns whether this call wrote it @throws on I/O errors other than "exists" */
export function writeRecordOnce(file: string, value: unknown): boolean {
  return writeWholeOnce(file, `${JSON.stringify(value)}\n`);
}
