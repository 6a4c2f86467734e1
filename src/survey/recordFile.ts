import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, linkSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import * as v from 'valibot';

/** Our own records are small; anything larger was not written by us. */
const maxBytes = 1_048_576;

/**
 * Reads one of our own JSON records. Undefined when it is absent, is no plain file, is too large, does not parse or has another shape:
 * a record is a memory, and what cannot be remembered is simply not known.
 */
export function readRecord<const S extends v.GenericSchema>(file: string, schema: S): v.InferOutput<S> | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    const info = fstatSync(descriptor);
    if (!info.isFile() || info.size > maxBytes) {
      return undefined;
    }
    const result = v.safeParse(schema, JSON.parse(readFileSync(descriptor, 'utf8')));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) {
      closeSync(descriptor);
    }
  }
}

/** Writes a record so that readers see the old one or the new one, never a part. @throws on I/O errors */
export function writeRecord(file: string, value: unknown): void {
  const temporary = temporaryFor(file, value);
  try {
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Writes a record only if there is none yet; whoever is first wins, also among processes. @returns whether this call wrote it. @throws on I/O errors other than "exists" */
export function writeRecordOnce(file: string, value: unknown): boolean {
  const temporary = temporaryFor(file, value);
  try {
    linkSync(temporary, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      return false;
    }
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

function temporaryFor(file: string, value: unknown): string {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(value)}\n`, { mode: 0o600, flag: 'wx' });
  return temporary;
}
