import { isRecord } from '../../base/json.ts';
import { t } from '../../base/language/translate.ts';
import { readYaml } from '../../base/yaml.ts';
import type { YamlFormatId } from '../../clients/clientDescription.ts';
import { addYamlEntry } from './addYamlEntry.ts';
import { emptyServerFile, type FileProblem, type Format, type ServerEntry } from './serverFile.ts';
import { yamlCommandEdits } from './yamlCommandEdits.ts';

/** Kinds of Goose's extensions that start no server of their own. */
const builtIn = ['builtin', 'platform', 'frontend', 'inline_python'];

/** Formats of YAML files: a map of servers, or a list whose items have a `name`. */
export const yamlFormats: Readonly<Record<YamlFormatId, Format>> = {
  'goose-config': yamlFormat('extensions', ({ type }) => typeof type !== 'string' || !builtIn.includes(type)),
  'continue-config': yamlFormat('mcpServers'),
  'hermes-config': yamlFormat('mcp_servers'),
  'librechat-config': yamlFormat('mcpServers'),
};

function yamlFormat(key: string, isServer: (value: Entry) => boolean = () => true): Format {
  return { read: (text) => readServers(text, key, isServer), edits: yamlCommandEdits(key), add: addYamlEntry };
}

type Entry = Readonly<Record<string, unknown>>;

function readServers(text: string, key: string, isServer: (value: Entry) => boolean): ReturnType<Format['read']> {
  if (text.trim() === '') {
    return emptyServerFile;
  }
  const file = readYaml(text);
  if (!('value' in file)) {
    return { ...emptyServerFile, problems: [{ message: t('This is not valid YAML, or too large; nothing in it can be used.'), ...file }] };
  }
  const servers = isRecord(file.value) ? file.value[key] : undefined;
  const entries: ServerEntry[] = [];
  const problems: FileProblem[] = [];
  const add = (name: unknown, value: unknown, line: number): void => {
    if (typeof name !== 'string') {
      problems.push({ message: t('A server in this list has no name; it is ignored.'), line });
    } else if (!isRecord(value) || isServer(value)) {
      entries.push({ name, line, value });
    }
  };
  if (Array.isArray(servers)) {
    for (const [index, value] of servers.entries()) {
      add(isRecord(value) ? value.name : undefined, value, file.lineOf([key, index, 'name']));
    }
  } else if (isRecord(servers)) {
    for (const [name, value] of Object.entries(servers)) {
      add(name, value, file.lineOf([key, name]));
    }
  } else if (servers !== undefined && servers !== null) {
    problems.push({ message: t('“{0}” is neither a map nor a list of servers.', key), line: file.lineOf([key]) });
  }
  return { ...emptyServerFile, entries, problems };
}
