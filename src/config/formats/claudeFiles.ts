import { resolve } from 'node:path';
import { jsonCommandEdits } from './jsonCommandEdits.ts';
import { nodeAt, parseJsonc, plainValue, properties, property } from './jsonc.ts';
import { problemThroughout, readMap } from './jsonServers.ts';
import { emptyServerFile, type FileProblem, type Format, type ServerEntry, type SwitchedOff, texts } from './serverFile.ts';

/**
 * `~/.claude.json` of Claude Code: the user's servers at the top, the local ones of each project under `projects["/its/path"]`, and there
 * the names that the user has switched off in that project. Captured from Claude Code 2.1.329.
 */
export const claudeState: Format = {
  read(text) {
    const file = parseJsonc(text);
    const problems: FileProblem[] = file.problem ? [file.problem] : [];
    const entries: ServerEntry[] = [];
    const folders: string[] = [];
    const switchedOff: SwitchedOff[] = [];
    const userMap = property(file.root, 'mcpServers');
    if (userMap) {
      readMap(file, userMap, entries, problems);
    }
    for (const { name: folder, value: project } of properties(property(file.root, 'projects'))) {
      folders.push(folder);
      const map = property(project, 'mcpServers');
      const local: ServerEntry[] = [];
      if (map) {
        readMap(file, map, local, problems);
      }
      for (const entry of local) {
        entries.push({ ...entry, scope: 'local', folder });
      }
      switchedOff.push(
        { names: texts(plainValue(property(project, 'disabledMcpServers'))), folder, dotMcpOnly: false },
        { names: texts(plainValue(property(project, 'disabledMcpjsonServers'))), folder, dotMcpOnly: true },
      );
    }
    return { ...emptyServerFile, entries, problems, folders, switchedOff: switchedOff.filter(({ names }) => names.length > 0) };
  },
  edits: jsonCommandEdits((root, { name, folder }) => {
    if (folder === undefined) {
      return ['mcpServers', name];
    }
    const project = properties(property(root, 'projects')).find((item) => resolve(item.name) === folder);
    return project && ['projects', project.name, 'mcpServers', name];
  }),
};

/** Settings files that hold no servers but switch some off by name. */
export function switchFormat(key: string, dotMcpOnly: boolean): Format {
  return {
    read(text) {
      const file = parseJsonc(text);
      if (!text.includes(key)) {
        return { ...emptyServerFile, problems: problemThroughout(file) };
      }
      const names = texts(plainValue(nodeAt(file.root, [key])));
      return {
        ...emptyServerFile,
        problems: file.problem ? [file.problem] : [],
        switchedOff: names.length === 0 ? [] : [{ names, dotMcpOnly }],
      };
    },
  };
}
