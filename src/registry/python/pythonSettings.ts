import { parse } from 'smol-toml';
import { asRecord } from '../../base/json.ts';
import type { SettingsSource } from '../settingsSource.ts';

/** The part of pip's configuration that decides where packages come from. Lists are separated by white space. */
interface PipConf {
  readonly indexUrl?: string;
  readonly extraIndexUrls: readonly string[];
  readonly noIndex: boolean;
  readonly proxy?: string;
  readonly cert?: string;
  readonly trustedHosts: readonly string[];
}

/** Sections that count for `pip install`, the strongest first (pip's documentation, "Configuration"). */
const sections = ['install', 'global'];

/**
 * Reads a `pip.conf`. Not with the `ini` library: pip's parser (Python's `configparser`) continues values in indented lines, takes `:` for `=`, and keeps quotes and
 * what follows a `;`. Never throws.
 *
 * @returns values by `section.key`
 */
export function parsePipConf(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  let section = '';
  let open: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*([#;]|$)/.test(line)) {
      continue;
    }
    const heading = /^\[([^\]]*)\]/.exec(line)?.[1];
    const pair = /^([^\s=:][^=:]*)[=:](.*)$/.exec(line);
    if (heading !== undefined) {
      section = heading.trim();
      open = undefined;
    } else if (/^\s/.test(line) && open !== undefined) {
      values.set(open, `${values.get(open) ?? ''} ${line.trim()}`.trim());
    } else if (pair) {
      open = `${section}.${(pair[1] ?? '').trim().toLowerCase().replaceAll('_', '-')}`;
      values.set(open, (pair[2] ?? '').trim());
    }
  }
  return values;
}

/**
 * Joins pip's variables with its files.
 *
 * @param env `PIP_*` variables take precedence over all files
 * @param files from the weakest to the strongest
 * @param words of the install command (`pipArguments`); these take precedence over the variables
 */
export function joinPipConf(
  env: Readonly<Record<string, string | undefined>>,
  files: readonly ReadonlyMap<string, string>[],
  words: ReadonlyMap<string, string> = new Map(),
): PipConf {
  const get = (key: string): string | undefined => {
    const written = words.get(`install.${key}`);
    if (written !== undefined) {
      return written;
    }
    const variable = env[`PIP_${key.toUpperCase().replaceAll('-', '_')}`];
    if (variable !== undefined && variable !== '') {
      return variable;
    }
    // `install` takes precedence over `global`, in whichever file it is.
    for (const section of sections) {
      const value = files.findLast((file) => file.has(`${section}.${key}`))?.get(`${section}.${key}`);
      if (value !== undefined) {
        return value;
      }
    }
    return undefined;
  };
  const list = (key: string): string[] => (get(key) ?? '').split(/\s+/).filter((word) => word !== '');
  const [indexUrl, proxy, cert] = [get('index-url'), get('proxy'), get('cert')];
  return {
    ...(indexUrl ? { indexUrl } : {}),
    extraIndexUrls: list('extra-index-url'),
    noIndex: /^(1|true|yes|on)$/i.test(get('no-index') ?? ''),
    ...(proxy ? { proxy } : {}),
    ...(cert ? { cert } : {}),
    trustedHosts: list('trusted-host'),
  };
}

/** The same settings from the arguments of `pip install`, which pipx records. Other arguments are skipped. */
export function pipArguments(words: readonly string[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  const short: Readonly<Record<string, string>> = { '-i': 'index-url', '-f': 'find-links' };
  for (let at = 0; at < words.length; at += 1) {
    const [, option = '', attached] = /^(--[a-z-]+|-[a-zA-Z])=?(.+)?$/s.exec(words[at] ?? '') ?? [];
    const name = short[option] ?? option.slice(2);
    if (name === 'no-index') {
      values.set('install.no-index', 'true');
    } else if (['index-url', 'extra-index-url', 'find-links', 'proxy', 'cert', 'trusted-host'].includes(name)) {
      const value = attached ?? words[at + 1] ?? '';
      at += attached === undefined ? 1 : 0;
      const key = `install.${name}`;
      const isList = name !== 'index-url' && name !== 'proxy' && name !== 'cert';
      values.set(key, isList ? `${values.get(key) ?? ''} ${value}`.trim() : value);
    }
  }
  return values;
}

/** One index in uv's configuration. */
interface UvIndex {
  readonly name?: string;
  readonly url: string;
  readonly isDefault: boolean;
  /** Asked only for packages that name it. */
  readonly explicit: boolean;
}

/** The part of uv's settings that decides where packages come from. */
export interface UvSettings {
  readonly indexes: readonly UvIndex[];
  readonly offline: boolean;
  /** New versions are refused for some time. */
  readonly excludeNewer: boolean;
}

/**
 * Reads a `uv.toml`, the `tool.uv` of a `pyproject.toml`, or the `tool.options` of a `uv-receipt.toml`. Never throws.
 *
 * @returns false when the file has no settings of uv, undefined when it is not valid TOML
 */
export function parseUvToml(text: string): UvSettings | false | undefined {
  let whole: unknown;
  try {
    whole = parse(text);
  } catch {
    return undefined;
  }
  const tool = asRecord(asRecord(whole)?.tool);
  const table = tool === undefined ? asRecord(whole) : (asRecord(tool.uv) ?? asRecord(tool.options));
  if (table === undefined) {
    return false;
  }
  const pip = asRecord(table.pip) ?? {};
  const listed = (Array.isArray(table.index) ? table.index : []).map(asRecord).flatMap((entry) => {
    const url = text1(entry?.url);
    const name = text1(entry?.name);
    const explicit = entry?.explicit === true;
    return url === undefined ? [] : [{ url, isDefault: entry?.default === true, explicit, ...(name === undefined ? {} : { name }) }];
  });
  const extra = [table['extra-index-url'], pip['extra-index-url']].flatMap((value) => (Array.isArray(value) ? value : []));
  const fallback = text1(table['index-url']) ?? text1(pip['index-url']);
  return {
    indexes: [
      ...listed,
      ...extra.flatMap((url) => (typeof url === 'string' ? [{ url, isDefault: false, explicit: false }] : [])),
      ...(fallback === undefined ? [] : [{ url: fallback, isDefault: true, explicit: false }]),
    ],
    offline: table.offline === true || table['no-index'] === true || pip['no-index'] === true,
    excludeNewer: table['exclude-newer'] !== undefined || pip['exclude-newer'] !== undefined,
  };
}

/** The same from uv's variables (uv's documentation, "Environment variables"). */
export function uvVariables(env: SettingsSource['env']): UvSettings {
  const words = (name: string): string[] => (env[name] ?? '').split(/\s+/).filter((word) => word !== '');
  const fallback = env.UV_DEFAULT_INDEX || env.UV_INDEX_URL;
  // UV_INDEX may name each one: NAME=URL.
  const more = [...words('UV_INDEX'), ...words('UV_EXTRA_INDEX_URL')].map((word) => word.replace(/^[A-Za-z0-9_-]+=(?=https?:|file:)/, ''));
  return {
    indexes: [
      ...more.map((url) => ({ url, isDefault: false, explicit: false })),
      ...(fallback ? [{ url: fallback.replace(/^[A-Za-z0-9_-]+=(?=https?:|file:)/, ''), isDefault: true, explicit: false }] : []),
    ],
    offline: /^(1|true|yes|on)$/i.test(env.UV_OFFLINE ?? '') || /^(1|true|yes|on)$/i.test(env.UV_NO_INDEX ?? ''),
    excludeNewer: Boolean(env.UV_EXCLUDE_NEWER),
  };
}

function text1(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
