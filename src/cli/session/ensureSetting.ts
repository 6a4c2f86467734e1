import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import * as v from 'valibot';
import { UsageError } from '../exitCodes.ts';
import { terminalText } from '../render/text.ts';

/** How to start and replace one server, as `mcp-shepherd.json` says. */
interface EnsureSetting {
  readonly file: string;
  readonly url?: string;
  readonly version?: string;
  readonly package?: string;
  readonly command?: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The server ends on `POST /shutdown`, with a token where it wants one. */
  readonly shutdown?: { readonly token?: string };
}

const text = v.pipe(v.string(), v.maxLength(4_096));
const schema = v.object({
  servers: v.record(
    text,
    v.strictObject({
      url: v.optional(text),
      version: v.optional(text),
      package: v.optional(text),
      command: v.optional(text),
      args: v.optional(v.array(text)),
      cwd: v.optional(text),
      env: v.optional(v.record(text, text)),
      shutdown: v.optional(v.union([v.boolean(), v.strictObject({ token: text })])),
    }),
  ),
});
const maxBytes = 1024 * 1024;

/** Only the file of the folder itself is read: another user may write to a folder above. */
const settingName = 'mcp-shepherd.json';

/** @throws UsageError when a file exists and cannot be used */
export function readEnsureSetting(folders: readonly string[], name: string): EnsureSetting | undefined {
  for (const folder of folders) {
    const file = join(folder, settingName);
    const servers = serversIn(file);
    const found = servers && Object.hasOwn(servers, name) ? servers[name] : undefined;
    if (found) {
      const { args = [], cwd, shutdown, ...rest } = found;
      return {
        file,
        args,
        cwd: resolve(dirname(file), cwd ?? '.'),
        ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)),
        ...(shutdown === undefined || shutdown === false ? {} : { shutdown: shutdown === true ? {} : shutdown }),
      };
    }
  }
  return undefined;
}

/** Names of all servers with an address and a command; of equal names the first folder counts. @throws UsageError when a file exists and cannot be used */
export function ensureNames(folders: readonly string[]): string[] {
  const entries = folders.flatMap((folder) => Object.entries(serversIn(join(folder, settingName)) ?? {}));
  return [...new Set(entries.filter(([, { url, command }]) => url !== undefined && command !== undefined).map(([name]) => name))];
}

function serversIn(file: string): v.InferOutput<typeof schema>['servers'] | undefined {
  const content = contentOf(file);
  if (content === undefined) {
    return undefined;
  }
  const parsed = v.safeParse(schema, content);
  if (!parsed.success) {
    const where = v.getDotPath(parsed.issues[0]);
    throw new UsageError(`${terminalText(file)} cannot be used${where ? `: ${terminalText(where)} has an unexpected value` : ''}`);
  }
  return parsed.output.servers;
}

function contentOf(file: string): unknown {
  try {
    if (statSync(file).size > maxBytes) {
      throw new UsageError(`${terminalText(file)} is too large`);
    }
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) {
      return undefined;
    }
    throw error instanceof UsageError ? error : new UsageError(`${terminalText(file)} cannot be read as JSON`);
  }
}
