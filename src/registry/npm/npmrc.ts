import { parse } from 'ini';
import type { SettingsSource } from '../settingsSource.ts';

/** The settings of one `.npmrc`, by key. The items of lists (`ca[]`) are joined by line breaks. */
export type NpmrcEntries = ReadonlyMap<string, string>;

/** Reads an `.npmrc` with the parser of npm. Sections have no meaning to npm and are left out. Undefined for a text at which that parser fails. */
export function parseNpmrc(text: string): NpmrcEntries | undefined {
  let entries: [string, unknown][];
  try {
    entries = Object.entries(parse(text));
  } catch {
    return undefined;
  }
  return new Map(
    entries.flatMap(([key, value]) => {
      if (Array.isArray(value)) {
        return [[key, value.join('\n')]];
      }
      return typeof value === 'object' && value !== null ? [] : [[key, String(value)]];
    }),
  );
}

/**
 * `${NAME}` and `${NAME?}` replaced as npm does: a variable that is not set stays as written, or is empty with the question mark. Of backslashes in front, half
 * are kept; after an odd number the rest stays as written.
 */
export function withVariables(text: string, env: SettingsSource['env']): string {
  return text.replace(
    /(\\*)(\$\{([^${}?]+)(\?)?\})/g,
    (_, slashes: string, reference: string, name: string, optional: string | undefined) => {
      const kept = slashes.slice(0, Math.floor(slashes.length / 2));
      return kept + (slashes.length % 2 === 1 ? reference : (env[name] ?? (optional === undefined ? reference : '')));
    },
  );
}

/** Whether a value still names a variable. */
export function hasVariables(text: string): boolean {
  return /\$\{[^${}?]+\??\}/.test(text);
}

/** `npm_config_*` variables as npm reads them: in any case, with `_` for `-`; keys that begin with `//` stay as they are. */
export function npmVariables(env: SettingsSource['env']): NpmrcEntries {
  const entries = new Map<string, string>();
  for (const [name, value] of Object.entries(env)) {
    if (value && /^npm_config_/i.test(name)) {
      const key = name.slice('npm_config_'.length);
      entries.set(key.startsWith('//') ? key : key.replace(/(?!^)_/g, '-').toLowerCase(), value);
    }
  }
  return entries;
}
