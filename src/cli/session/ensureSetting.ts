import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import * as v from 'valibot';
import { readBounded } from '../../storage/boundedFile.ts';
import { folderOfOthers, ownUser } from '../../storage/privateFolder.ts';
import { UsageError } from '../exitCodes.ts';

/** How to start and replace one server, as `mcp-shepherd.json` says. */
export interface EnsureSetting {
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
    throw new UsageError(`${file} cannot be used${where ? `: ${where} has an unexpected value` : ''}`);
  }
  return parsed.output.servers;
}

function contentOf(file: string): unknown {
  const read = readBounded(file, maxBytes);
  if (read.status === 'absent') {
    return undefined;
  }
  if (read.status === 'unreadable') {
    throw new UsageError(read.reason);
  }
  const refused = refusal(file, [lstatSync(file), read.stat]) ?? folderRefusal(file);
  if (refused !== undefined) {
    throw new UsageError(`${file} is not used: ${refused}`, 'Its commands would run with your rights.');
  }
  try {
    return JSON.parse(read.text);
  } catch {
    throw new UsageError(`${file} cannot be read as JSON`);
  }
}

/** Why another user may have written a file. @param found the path itself, which may be a link, and the file that was read */
function refusal(file: string, found: readonly Stats[]): string | undefined {
  const uid = ownUser();
  const other = found.find((one) => uid !== undefined && one.uid !== uid && one.uid !== 0);
  if (other) {
    return `it belongs to user ${other.uid}`;
  }
  // Many systems give each user a group of the same number, with no other member, and files that this group may write.
  const isOpen = found.some(
    (one) => !one.isSymbolicLink() && ((one.mode & 0o002) !== 0 || ((one.mode & 0o020) !== 0 && one.gid !== one.uid)),
  );
  return uid !== undefined && isOpen ? `it can be written by other users; run chmod go-w ${file}` : undefined;
}

/** What stands before a path in an argument: `--require=/x.js`, `file:///x.js`. */
const beforePath = /^(?:--?[\w-]+=)?(?:file:\/\/(?=\/))?/;
/** Names of programs that an interpreter runs, as they stand among the arguments: `node server.js`. */
const scriptName = /\.(?:[cm]?[jt]sx?|pyz?|sh|rb|pl|php|jar|lua)$/i;

/**
 * Why another user could change what a setting starts: its working directory, its program, or a script among its arguments lies where that user can write, or is that
 * user's. Undefined when no other user could, by what can be seen: programs that are found through PATH, and what they load, are not looked at. Never throws.
 */
export function programRefusal({ command = '', args, cwd }: EnsureSetting): string | undefined {
  const scripts = args.filter((word) => scriptName.test(word)).map((word) => word.replace(beforePath, ''));
  const words = [...(/[\\/]/.test(command) ? [command] : []), ...scripts];
  const refusals = [folderRefusal(join(cwd, settingName)), ...words.map((word) => pathRefusal(resolve(cwd, word)))];
  return refusals.find((one) => one !== undefined);
}

/** Why another user could change a program, or put one there where there is none. */
function pathRefusal(path: string): string | undefined {
  const uid = ownUser();
  let real: string;
  let found: readonly Stats[];
  try {
    real = realpathSync(path);
    found = [lstatSync(path), statSync(real)];
  } catch {
    return folderRefusal(path);
  }
  const other = found.find((one) => uid !== undefined && one.uid !== uid && one.uid !== 0);
  if (other) {
    return `${path} belongs to user ${other.uid}`;
  }
  return uid !== undefined && ((found[1]?.mode ?? 0) & 0o002) !== 0
    ? `${path} can be written by all users; run chmod o-w ${real}`
    : (folderRefusal(path) ?? folderRefusal(real));
}

/** Why another user may have put the program there that the command starts in the folder of the file: `node server.js`, `python3 -m notes`. */
function folderRefusal(file: string): string | undefined {
  const open = folderOfOthers(file, ownUser(), '');
  if (open !== undefined) {
    return open;
  }
  // The sticky bit keeps other users from replacing the file, and not from adding others.
  const folder = dirname(file);
  const mode = ownUser() === undefined ? 0 : (statSync(folder, { throwIfNoEntry: false })?.mode ?? 0);
  return (mode & 0o002) === 0 ? undefined : `${folder} can be written by all users; move the file to a folder of your own`;
}
