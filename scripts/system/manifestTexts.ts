import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './projectPaths.ts';

/** The texts of the manifest in English, by key: `package.nls.json`. */
export function readManifestTexts(): Readonly<Record<string, string>> {
  return JSON.parse(readFileSync(join(projectRoot, 'package.nls.json'), 'utf8'));
}

/** A copy of a part of the manifest in which each `%key%` is its text, as VS Code reads it. A key without a text stays as it is. */
export function withTexts<T>(part: T, texts: Readonly<Record<string, string>>): T {
  return JSON.parse(JSON.stringify(part), (_, value: unknown) =>
    typeof value === 'string' ? (texts[/^%(.+)%$/.exec(value)?.[1] ?? ''] ?? value) : value,
  );
}
