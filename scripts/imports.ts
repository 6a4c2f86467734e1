// Checks the structure of `src`. Run by the lint suite, and by hand: `node scripts/imports.ts`.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { pathToFileURL } from 'node:url';
import { boundaryFaults, idleExceptions } from './boundaries.ts';
import { projectRoot } from './system/projectPaths.ts';

/** What each area, a folder right below `src`, may import beside itself. ARCHITECTURE.md says what each is for. */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  model: [],
  base: [],
  storage: ['base'],
  redaction: ['model', 'base'],
  version: ['model'],
  process: ['model', 'base'],
  clients: ['model', 'base', 'process'],
  config: ['model', 'base', 'redaction', 'clients'],
  lock: ['model', 'base', 'storage', 'process'],
  package: ['model', 'base', 'storage', 'version', 'process'],
  registry: ['model', 'base', 'storage', 'version'],
  diagnosis: ['model', 'base', 'version'],
  survey: ['model', 'base', 'storage', 'redaction', 'version', 'process', 'clients', 'config', 'lock', 'package', 'registry', 'diagnosis'],
  presentation: ['model', 'base'],
  action: ['model', 'base', 'storage', 'redaction', 'version', 'process', 'clients', 'config', 'lock', 'diagnosis', 'survey'],
  guard: ['model', 'base', 'storage', 'redaction', 'version', 'process', 'lock', 'package'],
  host: ['model', 'base', 'storage', 'redaction', 'version', 'process', 'lock', 'package', 'guard', 'relay'],
  relay: ['storage'],
  mcp: ['model', 'base', 'presentation', 'action'],
  cli: ['model', 'base', 'storage', 'redaction', 'version', 'clients', 'survey', 'presentation', 'action', 'mcp'],
  extension: ['model', 'base', 'storage', 'clients', 'survey', 'presentation', 'action', 'mcp'],
};

/** Only these import `vscode`: what stands elsewhere can be loaded and tested without an editor. */
const vscodeFolders = ['extension', 'extension/views', 'extension/commands'];
const maxFilesPerFolder = 17;
const maxLinesPerFile = 330;
const maxParameters = 5;
/** Only these build a regular expression from a text, and only from constants and numbers: a text of others can make it fail or slow, and its error quotes it. */
const buildRegExp = [
  'cli/render/text.ts',
  'lock/control/controlMessages.ts',
  'lock/lockHolders.ts',
  'process/linux/procClock.ts',
  'redaction/secretShapes.ts',
];
/** The only place that turns an error into a text: the texts of some errors quote what was read. */
const errorTexts = 'base/errors.ts';
/** Entry points of two programs, each named by its folder. */
const sharedFileNames = ['main.ts'];

/** One source file: its path from `src`, with `/`, and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** @param root the folder that holds `src` */
export function readSources(root: string): SourceFile[] {
  const folder = join(root, 'src');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ path: name.replaceAll('\\', '/'), text: readFileSync(join(folder, name), 'utf8') }))
    .sort((a, b) => a.path.localeCompare(b.path));
}

/** What a file names in `import`, `export … from` and `import()`; types count. */
function specifiersOf({ text }: SourceFile): string[] {
  return [...text.matchAll(/(?:^(?:import|export)\b[^;'"]*?\bfrom\s+|^import\s+|\bimport\()'([^']+)'/gm)].map((match) => match[1] ?? '');
}

/** The files of `src` that a file imports, as paths from `src`. */
function importsOf(file: SourceFile): string[] {
  return specifiersOf(file)
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => posix.join(dirname(file.path), specifier))
    .filter((path) => !path.startsWith('..'));
}

const areaOf = (path: string): string => path.split('/')[0] ?? '';

/** Imports that the table does not allow, areas that it does not have, and `vscode` in the wrong folder. */
function wrongImports(files: readonly SourceFile[]): string[] {
  const unknown = [...new Set(files.map(({ path }) => areaOf(path)))].filter((area) => !mayImport[area]);
  const arrows = files.flatMap((file) => {
    const area = areaOf(file.path);
    return importsOf(file)
      .filter((path) => areaOf(path) !== area && mayImport[area]?.includes(areaOf(path)) === false)
      .map((path) => `src/${file.path} imports src/${path}: ${area} may import only ${mayImport[area]?.join(', ') || 'nothing'}.`);
  });
  const editors = files.filter((file) => specifiersOf(file).includes('vscode') && !vscodeFolders.includes(dirname(file.path)));
  return [
    ...unknown.map((area) => `src/${area} is an area that scripts/imports.ts does not list.`),
    ...arrows,
    ...editors.map(({ path }) => `src/${path} imports vscode: only ${vscodeFolders.map((folder) => `src/${folder}`).join(', ')} may.`),
  ];
}

/** The shortest way from each file of a cycle back to itself, each cycle once. */
function cycles(files: readonly SourceFile[]): string[] {
  const graph = new Map(files.map((file) => [file.path, importsOf(file)]));
  const inCycle = new Set<string>();
  const found: string[] = [];
  for (const start of graph.keys()) {
    const cameFrom = new Map<string, string>();
    const queue = [start];
    for (let at = queue.shift(); at !== undefined && !inCycle.has(start); at = queue.shift()) {
      for (const next of graph.get(at) ?? []) {
        if (next === start) {
          const way = [start];
          for (let step = at; step !== start; step = cameFrom.get(step) ?? start) {
            way.splice(1, 0, step);
          }
          for (const path of way) {
            inCycle.add(path);
          }
          found.push(`These files import each other: ${[...way, start].map((path) => `src/${path}`).join(' → ')}.`);
          break;
        }
        if (!cameFrom.has(next)) {
          cameFrom.set(next, at);
          queue.push(next);
        }
      }
    }
  }
  return found;
}

/** The values of each key, in their order. */
function grouped(pairs: readonly (readonly [key: string, value: string])[]): [key: string, values: string[]][] {
  const groups = new Map<string, string[]>();
  for (const [key, value] of pairs) {
    groups.set(key, [...(groups.get(key) ?? []), value]);
  }
  return [...groups];
}

/** Names that stand in more than one place. @param named pairs of name and place */
function twice(named: readonly (readonly [name: string, place: string])[], what: string): string[] {
  return grouped(named)
    .filter(([, places]) => places.length > 1)
    .map(([name, places]) => `${what} ${name} exists more than once: ${places.join(', ')}.`);
}

/** The number of parameters of a function, counted in the text behind its opening parenthesis: commas that no bracket encloses. */
function parameterCount(text: string): number {
  const inside = text.replace(/=>/g, '  ').replace(/\/\*.*?\*\/|\/\/.*|'[^']*'/g, '');
  let depth = 0;
  let count = 0;
  let empty = true;
  for (const character of inside) {
    if (depth === 0 && (character === ')' || character === ',')) {
      count += empty ? 0 : 1;
      empty = true;
      if (character === ')') {
        break;
      }
    } else {
      empty &&= /\s/.test(character);
      depth += '([{<'.includes(character) ? 1 : ')]}>'.includes(character) ? -1 : 0;
    }
  }
  return count;
}

/** Exported functions with too many parameters. */
function longParameterLists(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) =>
    [...text.matchAll(/^export (?:(?:async )?function\*? ([\w$]+)|const ([\w$]+) = (?:async )?)(?:<.*>)?\(/gm)]
      .map((match) => ({ name: match[1] ?? match[2], count: parameterCount(text.slice(match.index + match[0].length)) }))
      .filter(({ count }) => count > maxParameters)
      .map(({ name, count }) => `src/${path}: ${name} has ${count} parameters, at most ${maxParameters} are allowed.`),
  );
}

/** Regular expressions made from texts, and errors printed whole. */
function quotingCode(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => [
    ...(/\bnew\s+RegExp\b|(?<![\w:]\s*)\bRegExp\s*[(;]/.test(text) && !buildRegExp.includes(path)
      ? [`src/${path} builds a regular expression from a text: compare texts with includes, split or a set.`]
      : []),
    ...(/\bString\((?:error|reason|fault|cause)\)|\$\{(?:error|cause)\}|\berror\.stack\b/.test(text) && path !== errorTexts
      ? [`src/${path} prints an error as it is: take reasonOf(error).`]
      : []),
  ]);
}

/** Everything that is wrong with the structure of `src`, a sentence each. */
export function structureFaults(files: readonly SourceFile[]): string[] {
  const exported = files.flatMap(({ path, text }) =>
    [...text.matchAll(/^export (?:async )?(?:abstract )?(?:function\*?|const|let|class|interface|type) ([\w$]+)/gm)].map(
      (match) => [match[1] ?? '', `src/${path}`] as const,
    ),
  );
  const fileNames = files
    .map(({ path }) => [posix.basename(path), `src/${path}`] as const)
    .filter(([name]) => !sharedFileNames.includes(name));
  return [
    ...wrongImports(files),
    ...cycles(files),
    ...grouped(files.map(({ path }) => [dirname(path), path]))
      .filter(([, members]) => members.length > maxFilesPerFolder)
      .map(([folder, { length }]) => `src/${folder} has ${length} files, at most ${maxFilesPerFolder} are allowed.`),
    ...files
      .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
      .filter(({ lines }) => lines > maxLinesPerFile)
      .map(({ path, lines }) => `src/${path} has ${lines} lines, at most ${maxLinesPerFile} are allowed.`),
    ...longParameterLists(files),
    ...quotingCode(files),
    ...boundaryFaults(files),
    ...twice(fileNames, 'The file name'),
    ...twice(exported, 'The exported name'),
  ];
}

/**
 * Where ARCHITECTURE.md differs from the data here and from the files: its table of areas, and the paths of `src` that it names in backticks.
 * @param markdown the whole document
 */
export function documentFaults(markdown: string, files: readonly SourceFile[]): string[] {
  const rows = [...markdown.matchAll(/^\| `([a-z]+)\/?` \|.*\| ([^|]*) \|$/gm)].map(
    ([, area = '', cell = '']) => [area, cell.trim() === '–' ? '' : cell.trim()] as const,
  );
  const told = new Map(rows);
  const wrong = Object.entries(mayImport)
    .filter(([area, allowed]) => told.get(area) !== allowed.join(', '))
    .map(
      ([area, allowed]) =>
        `ARCHITECTURE.md must say that ${area} may import: ${allowed.join(', ') || '–'}. It says: ${told.get(area) ?? 'nothing'}.`,
    );
  const extra = rows
    .filter(([area]) => !mayImport[area])
    .map(([area]) => `ARCHITECTURE.md lists the area ${area}, which scripts/imports.ts does not have.`);
  const named = [...markdown.matchAll(/`(\w+(?:\/\w+)*\/(?:\w+\.ts)?)`/g)]
    .map((match) => match[1] ?? '')
    .filter((path) => mayImport[areaOf(path)]);
  const absent = named.filter((path) => !files.some((file) => file.path === path || (path.endsWith('/') && file.path.startsWith(path))));
  return [...wrong, ...extra, ...absent.map((path) => `ARCHITECTURE.md names src/${path}, which does not exist.`)];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const files = readSources(projectRoot);
  const faults = [
    ...structureFaults(files),
    ...idleExceptions(files),
    ...documentFaults(readFileSync(join(projectRoot, 'ARCHITECTURE.md'), 'utf8'), files),
  ];
  for (const fault of faults) {
    console.error(fault);
  }
  process.exitCode = faults.length > 0 ? 1 : 0;
}
