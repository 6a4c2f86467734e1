import { parse } from 'smol-toml';
import { asRecord } from '../../base/json.ts';
import type { SettingsSource } from '../settingsSource.ts';

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
