import { readBounded } from './boundedFile.ts';
import { isRecord } from './nodePackage.ts';

/** The object in a JSON file; undefined when the file cannot be read (`readBounded`) or holds anything else. Never throws. */
export function readJsonObject(path: string, maxBytes?: number): Record<string, unknown> | undefined {
  const read = readBounded(path, maxBytes);
  if (read.status !== 'ok') {
    return undefined;
  }
  try {
    const value: unknown = JSON.parse(read.text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
