import type { SettingsSource } from '../settingsSource.ts';

/** One `.npmrc` as it was written, by key; of a key that stands there twice, the last. Lists (`ca[]`) are joined by line breaks. */
export type NpmrcEntries = ReadonlyMap<string, string>;

/** Reads an `.npmrc` (INI as npm's own parser reads it; sections have no meaning to npm and end what counts). Never throws. */
export function parseNpmrc(text: string): NpmrcEntries {
  const entries = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const trimmed = line.trim();
    if (trimmed === '' || /^[;#]/.test(trimmed)) {
      continue;
    }
    if (/^\[.*\]$/.test(trimmed)) {
      break;
    }
    const at = trimmed.indexOf('=');
    const key = unquoted(at < 0 ? trimmed : trimmed.slice(0, at).trim());
    const value = at < 0 ? 'true' : unquoted(trimmed.slice(at + 1).trim());
    if (key.endsWith('[]')) {
      const name = key.slice(0, -2);
      const before = entries.get(name);
      entries.set(name, before === undefined ? value : `${before}\n${value}`);
    } else {
      entries.set(key, value);
    }
  }
  return entries;
}

/** Quotes taken off; without quotes, a comment after the value. */
function unquoted(text: string): string {
  if (text.length > 1 && text.startsWith('"') && text.endsWith('"')) {
    try {
      return String(JSON.parse(text));
    } catch {
      return text;
    }
  }
  if (text.length > 1 && text.startsWith("'") && text.endsWith("'")) {
    return text.slice(1, -1);
  }
  return text
    .replace(/(?<!\\)[;#].*$/, '')
    .replace(/\\([;#\\])/g, '$1')
    .trim();
}

const variable = /(?<!\\)\$\{([^${}?]+)(\?)?\}/g;

/** `${NAME}` and `${NAME?}` replaced as npm does: what is not set stays as it is written, or is empty with the question mark. */
export function withVariables(text: string, env: SettingsSource['env']): string {
  return text.replace(variable, (whole, name: string, optional: string | undefined) => env[name] ?? (optional === undefined ? whole : ''));
}

/** Whether a value still names a variable. */
export function hasVariables(text: string): boolean {
  return text.search(variable) >= 0;
}

/** `npm_config_*` variables as npm reads them: any case, `_` for `-`; keys that begin with `//` stay as they are. */
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
