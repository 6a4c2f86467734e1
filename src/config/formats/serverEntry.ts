import { isAbsolute, resolve } from 'node:path';
import { asRecord, isRecord } from '../../base/json.ts';
import { t } from '../../base/language/translate.ts';
import type { Transport } from '../../model/definition.ts';
import type { ServerEntry } from './serverFile.ts';

/** The fields of an entry, by one set of names for all clients. */
export interface EntryFields {
  readonly transport: Transport;
  readonly command?: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | null>>;
  /** Names and values; a name may stand in two fields. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly cwd?: string;
  readonly url?: string;
  /** A file with more variables, as written. */
  readonly envFile?: string;
  readonly enabled: boolean;
  /** Texts in tables that no client is known to read (a misspelt `env`): secrets like variables where another text repeats them. */
  readonly unread?: Readonly<Record<string, string>>;
}

interface EntryReading {
  /** Undefined when the entry cannot be used. */
  readonly fields?: EntryFields;
  /** For the user, with the entry's name; without values. */
  readonly problem?: string;
}

/** Variables of a file (`envFile`) that are read. */
const maxVariables = 1_000;
/** In characters. */
const maxFileText = 256 * 1024;
const fileAssignment = /^[ \t]*(?:export[ \t]+)?([\w.-]+)[ \t]*=[ \t]*("(?:\\.|[^"\\])*"|'[^']*'|`[^`]*`|[^\r\n]*)/gm;

const commandNames = ['command', 'cmd'];
const urlNames = ['url', 'serverUrl', 'httpUrl', 'uri'];
const envNames = ['env', 'environment', 'envs'];
const headerNames = ['headers', 'http_headers', 'httpHeaders'];
const readTables = new Set([...commandNames, ...envNames, ...headerNames]);

/**
 * Reads one entry. Clients differ in names (`url`, `serverUrl`, `httpUrl`), in types (`sse`, `streamable-http` …) and in what they tolerate; an entry that no client
 * can start is a problem.
 *
 * @param plainUrl the transport of a `url` without a type
 */
export function readEntry({ name, value }: ServerEntry, plainUrl: Transport = 'http'): EntryReading {
  const wrong = (problem: string): EntryReading => ({ problem });
  if (!isRecord(value)) {
    return wrong(t('The server “{0}” is not an object with a command or a URL; this entry is ignored.', name));
  }
  const [written] = valuesOf(value, commandNames);
  // Zed once had the whole launch in `command`.
  const launch = isRecord(written) && typeof written.path === 'string' ? written : undefined;
  const rawCommand = launch ? launch.path : written;
  const [rawUrl] = valuesOf(value, urlNames);
  const type = transportOf(value.type ?? value.transport);
  if (rawCommand === undefined && rawUrl === undefined) {
    // It only switches an entry of another file on or off.
    return isSwitchOnly(value) ? {} : wrong(t('The server “{0}” has neither a command nor a URL; this entry is ignored.', name));
  }
  const remote = rawUrl !== undefined && (rawCommand === undefined || (type !== undefined && type !== 'stdio'));
  const words = typeof rawCommand === 'string' ? [rawCommand] : rawCommand;
  const args = launch?.args ?? value.args ?? [];
  if (remote && (typeof rawUrl !== 'string' || rawUrl === '')) {
    return wrong(t('The server “{0}” has a URL that is not a string; this entry is ignored.', name));
  }
  if (!remote && !(isTexts(words) && words[0] !== undefined && words[0].trim() !== '')) {
    return wrong(t('The server “{0}” has a command that is not a string; this entry is ignored.', name));
  }
  if (!remote && type !== undefined && type !== 'stdio') {
    return wrong(t('The server “{0}” is of the type {1} and has no URL; this entry is ignored.', name, type));
  }
  if (remote && type === 'stdio') {
    return wrong(t('The server “{0}” is of the type stdio and has no command; this entry is ignored.', name));
  }
  if (!isTexts(args)) {
    return wrong(t('The server “{0}” has “args” that are not a list of strings; this entry is ignored.', name));
  }
  const { env, whole } = environmentOf([...(launch ? valuesOf(launch, envNames) : []), ...valuesOf(value, envNames)]);
  const [cwd] = valuesOf(value, ['cwd', 'working_directory']);
  const common = {
    env,
    headers: headersOf(value),
    enabled: value.disabled !== true && value.enabled !== false,
    ...unreadTexts(value),
    ...(typeof cwd === 'string' && cwd !== '' ? { cwd } : {}),
    ...(typeof value.envFile === 'string' && value.envFile !== '' ? { envFile: value.envFile } : {}),
  };
  const fields: EntryFields =
    remote && typeof rawUrl === 'string'
      ? { ...common, transport: type ?? (value.httpUrl === undefined ? plainUrl : 'http'), args: [], url: rawUrl }
      : { ...common, transport: 'stdio', ...(isTexts(words) ? { command: words[0] ?? '', args: [...words.slice(1), ...args] } : { args }) };
  return whole
    ? { fields }
    : { fields, problem: t('The server “{0}” has environment variables that are not strings; those are ignored.', name) };
}

function valuesOf(entry: Readonly<Record<string, unknown>>, names: readonly string[]): unknown[] {
  return names.map((name) => entry[name]).filter((value) => value !== undefined && value !== null);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function transportOf(type: unknown): Transport | undefined {
  switch (typeof type === 'string' ? type.toLowerCase().replaceAll(/[-_ ]/g, '') : '') {
    case 'stdio':
    case 'local':
      return 'stdio';
    case 'sse':
      return 'sse';
    case 'http':
    case 'streamable':
    case 'streamablehttp':
    case 'remote':
      return 'http';
    case 'ws':
    case 'websocket':
      return 'ws';
    default:
      return undefined;
  }
}

/**
 * The variables with plain values; `whole` is false when there are others.
 * @param fields all fields that may hold variables: a client reads one of them, and what the others hold must not be shown either; of equal names the first counts
 */
function environmentOf(fields: readonly unknown[]): { readonly env: Readonly<Record<string, string | null>>; readonly whole: boolean } {
  const all = fields.toReversed().flatMap((field) => (isRecord(field) ? Object.entries(field) : []));
  const plain = all.filter(([, item]) => item === null || typeof item !== 'object');
  // Not by assignment: a variable may be called __proto__.
  const env = Object.fromEntries(plain.map(([name, item]) => [name, item === null ? null : String(item)]));
  return { env, whole: fields.every(isRecord) && plain.length === all.length };
}

function unreadTexts(entry: Readonly<Record<string, unknown>>): Pick<EntryFields, 'unread'> {
  const tables = Object.entries(entry).flatMap(([key, table]) => (!readTables.has(key) && isRecord(table) ? Object.entries(table) : []));
  const texts = tables.flatMap(([name, text]) => (typeof text === 'string' ? [[name, text] as const] : []));
  // Not by assignment: a name may be __proto__.
  return texts.length === 0 ? {} : { unread: Object.fromEntries(texts) };
}

function headersOf(entry: Readonly<Record<string, unknown>>): EntryFields['headers'] {
  // Continue has them in `requestOptions`.
  const options = asRecord(entry.requestOptions) ?? {};
  return [...valuesOf(entry, headerNames), ...valuesOf(options, headerNames)].flatMap((headers) =>
    Object.entries(asRecord(headers) ?? {}).flatMap(([name, item]) => (typeof item === 'string' ? [[name, item] as const] : [])),
  );
}

/** An entry that switches another one on or off, or sets a server that an extension of the editor brings (Zed). */
function isSwitchOnly(entry: Readonly<Record<string, unknown>>): boolean {
  const keys = Object.keys(entry);
  return (
    entry.source === 'extension' ||
    (keys.length > 0 && keys.every((key) => key === 'enabled' || key === 'disabled' || (key === 'settings' && isRecord(entry.settings))))
  );
}

/**
 * The path of an entry's `envFile` (VS Code, Cursor). Undefined where it cannot be told, and for network shares: asking for one sends the user's credentials of
 * Windows to the host that it names.
 */
export function envFilePath(written: string, home: string, folder: string | undefined): string | undefined {
  const path = written
    .replace(/^~(?=[\\/])|\$\{userHome\}/g, () => home)
    .replace(/\$\{workspace(?:Folder|Root)\}/g, (name) => folder ?? name);
  if (path.includes('${') || /^[\\/]{2}/.test(path) || (folder === undefined && !isAbsolute(path))) {
    return undefined;
  }
  return resolve(folder ?? '/', path);
}

/** The variables of such a file: `NAME=value`, also with `export`, quotes and line ends in quotes; a value that contains `#` gives both the whole text and the part before `#`. */
export function fileVariables(text: string): Readonly<Record<string, string>> {
  const found: [string, string][] = [];
  for (const [, name = '', written = ''] of text.slice(0, maxFileText).matchAll(fileAssignment)) {
    if (found.length >= maxVariables) {
      break;
    }
    const quoted = /^(["'`])([\s\S]*)\1$/.exec(written)?.[2];
    const plain = quoted ?? written.trim();
    found.push([name, plain.replaceAll('\\n', '\n').replace(/\\(.)/g, '$1')], [`${name} as written`, plain]);
    if (quoted === undefined && /\s#/.test(plain)) {
      found.push([`${name} before its comment`, plain.split(/\s+#/)[0] ?? '']);
    }
  }
  return Object.fromEntries(found);
}
