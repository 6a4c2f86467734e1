import { isRecord } from '../../base/json.ts';
import { t } from '../../base/language/translate.ts';
import type { ClientRow, FormatId } from '../../clients/clientDescription.ts';
import { EditRefused, unsafeEdit } from './commandEdits.ts';

/** A local server, as every client can start it. */
export interface LocalEntry {
  readonly name: string;
  /** Command and arguments. */
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** How a client writes such an entry. */
export interface EntryForm {
  /** Paths to the servers: the first that the file has, else the first. */
  readonly paths: readonly (readonly string[])[];
  /** The servers are a list whose items have a `name`. */
  readonly list?: true;
  /** Whether the entry can name the folder that the server starts in. */
  readonly cwd?: true;
  readonly value: (entry: LocalEntry) => Readonly<Record<string, unknown>>;
}

const plain: EntryForm['value'] = ({ words: [command, ...args], env }) => ({
  command,
  args,
  ...(Object.keys(env).length === 0 ? {} : { env }),
});
const inFolder: EntryForm['value'] = (entry) => ({ ...plain(entry), ...(entry.cwd === undefined ? {} : { cwd: entry.cwd }) });
const opencode: EntryForm['value'] = ({ words, env }) => ({
  type: 'local',
  command: [...words],
  ...(Object.keys(env).length === 0 ? {} : { environment: env }),
  enabled: true,
});
const mcpServers: EntryForm = { paths: [['mcpServers']], value: plain };

/** Forms that the rows of single clients name. */
const named: Readonly<Record<NonNullable<ClientRow['entryForm']>, EntryForm>> = {
  copilot: { ...mcpServers, value: (entry) => ({ tools: ['*'], type: 'local', ...plain(entry) }) },
  opencode: { paths: [['mcp']], value: opencode },
};

/**
 * Forms of formats, by where they are from (`test/fixtures/config`):
 * - written by the client itself (`captured`): `gemini-settings`, `qwen-settings`, `amp-settings`, `claude-state`, `codex-config`;
 * - written by add-mcp 2.4.0 (`addmcp`): `mcp-servers`, `kiro-mcp`, `context-servers`, `goose-config`, and `enabled` of `opencode-config`, whose other fields are as
 *   opencode writes them (`opencode-written`);
 * - by hand, after the clients' documentation: all others, and `cwd` wherever it stands.
 */
const ofFormat: Partial<Record<FormatId, EntryForm>> = {
  'vscode-mcp': { paths: [['servers']], cwd: true, value: (entry) => ({ type: 'stdio', ...inFolder(entry) }) },
  'mcp-servers': mcpServers,
  'settings-mcp-servers': mcpServers,
  'kiro-mcp': mcpServers,
  'gemini-settings': { ...mcpServers, cwd: true, value: inFolder },
  'qwen-settings': { ...mcpServers, cwd: true, value: inFolder },
  'amp-settings': { paths: [['amp.mcpServers']], value: plain },
  'claude-state': { ...mcpServers, value: (entry) => ({ type: 'stdio', ...plain(entry) }) },
  'copilot-ide': { paths: [['servers'], ['mcpServers']], value: plain },
  'openclaw-config': { paths: [['mcp', 'servers']], value: plain },
  'opencode-config': { paths: [['mcp']], value: opencode },
  'mcp-map': { paths: [['mcp']], value: (entry) => ({ type: 'stdio', ...plain(entry) }) },
  'context-servers': { paths: [['context_servers']], value: (entry) => ({ source: 'custom', ...plain(entry) }) },
  'codex-config': { paths: [['mcp_servers']], cwd: true, value: inFolder },
  'hermes-config': { paths: [['mcp_servers']], value: plain },
  'librechat-config': { paths: [['mcpServers']], value: (entry) => ({ type: 'stdio', ...plain(entry) }) },
  'continue-config': { paths: [['mcpServers']], list: true, cwd: true, value: (entry) => ({ name: entry.name, ...inFolder(entry) }) },
  'goose-config': {
    paths: [['extensions']],
    value: ({ name, words: [cmd, ...args], env }) => ({
      name,
      description: '',
      cmd,
      args,
      enabled: true,
      envs: env,
      type: 'stdio',
      timeout: 300,
    }),
  },
};

/** The form in which a client's file has its entries; undefined where no entry can be added. */
export function entryForm(client: Pick<ClientRow, 'entryForm'>, format: FormatId): EntryForm | undefined {
  return client.entryForm ? named[client.entryForm] : ofFormat[format];
}

/** The value with the entry in it. @throws EditRefused when there is one of that name, or something else than servers */
export function withEntry(root: unknown, path: readonly string[], form: EntryForm, entry: LocalEntry): unknown {
  const [key = '', ...rest] = path;
  if (!isRecord(root)) {
    throw unsafeEdit();
  }
  if (rest.length > 0) {
    return { ...root, [key]: withEntry(root[key] ?? {}, rest, form, entry) };
  }
  const servers = root[key] ?? (form.list ? [] : {});
  const value = form.value(entry);
  if (form.list ? !Array.isArray(servers) : !isRecord(servers)) {
    throw unsafeEdit();
  }
  const taken = Array.isArray(servers)
    ? servers.some((item) => isRecord(item) && item.name === entry.name)
    : isRecord(servers) && Object.hasOwn(servers, entry.name);
  if (taken) {
    throw new EditRefused(t('The file already has a server “{0}”; nothing is replaced.', entry.name));
  }
  return { ...root, [key]: Array.isArray(servers) ? [value, ...servers] : { ...(isRecord(servers) ? servers : {}), [entry.name]: value } };
}
