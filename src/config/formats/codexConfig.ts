import { parse, TomlError } from 'smol-toml';
import { isRecord } from '../../base/json.ts';
import { scanToml } from './scanToml.ts';
import { emptyServerFile, type FileProblem, type Format, type ServerEntry } from './serverFile.ts';
import { tomlCommandEdits } from './tomlCommandEdits.ts';

const maxDepth = 200;
const tableName = 'mcp_servers';

/** `config.toml` of Codex: `[mcp_servers.NAME]`, and `[projects."/its/path"] trust_level`. */
export const codexConfig: Format = {
  read(text) {
    let root: unknown;
    try {
      root = parse(text, { maxDepth });
    } catch (error) {
      return { ...emptyServerFile, problems: [problemOf(error)] };
    }
    const servers = isRecord(root) ? root[tableName] : undefined;
    const projects = isRecord(root) ? root.projects : undefined;
    const trust = new Map<string, boolean>();
    for (const [folder, project] of Object.entries(isRecord(projects) ? projects : {})) {
      if (isRecord(project)) {
        trust.set(folder, project.trust_level === 'trusted');
      }
    }
    const lines = entryLines(text);
    const entries: ServerEntry[] = [];
    const problems: FileProblem[] = [];
    if (isRecord(servers)) {
      for (const [name, value] of Object.entries(servers)) {
        entries.push({ name, line: lines.get(name) ?? 1, value });
      }
    } else if (servers !== undefined) {
      problems.push({ message: `“${tableName}” is not a table; [${tableName}.NAME] is expected.`, line: lines.get('') ?? 1 });
    }
    return { ...emptyServerFile, entries, problems, folders: [...trust.keys()], trust };
  },
  edits: tomlCommandEdits(tableName),
};

/** The line (1-based) on which each server is first named, and under the empty name the first line of the table itself. */
function entryLines(text: string): ReadonlyMap<string, number> {
  const { pairs, headers } = scanToml(text);
  const places = [...headers, ...pairs.map(({ path, keyStart }) => ({ path, start: keyStart }))].sort((a, b) => a.start - b.start);
  const lines = new Map<string, number>();
  let line = 1;
  let counted = 0;
  for (const { path, start } of places) {
    for (let end = text.indexOf('\n', counted); end >= 0 && end < start; end = text.indexOf('\n', counted)) {
      line += 1;
      counted = end + 1;
    }
    const name = path[0] === tableName ? (path[1] ?? '') : undefined;
    if (name !== undefined && !lines.has(name)) {
      lines.set(name, line);
    }
  }
  return lines;
}

function problemOf(error: unknown): FileProblem {
  if (!(error instanceof TomlError)) {
    return { message: 'The file is not valid TOML; nothing in it can be used.', line: 1 };
  }
  // Only the first line: the others quote the file, which may contain secrets.
  const reason = (error.message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, '').replace(/["'`].*["'`]/g, '…');
  return {
    message: `This is not valid TOML: ${reason}. Fix the file; nothing in it can be used until then.`,
    line: error.line,
    column: error.column,
  };
}
