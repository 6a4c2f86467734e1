import { dirname, join } from 'node:path';
import { statPath } from '../../storage/boundedFile.ts';

/** `import a.b` gives `{ module: 'a.b', names: [] }`; `from ..c import d` gives `{ module: '..c', names: ['d'] }`. */
interface PythonImport {
  readonly module: string;
  readonly names: readonly string[];
}

const fromLine = /^[ \t]*from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]+)/gm;
const importLine = /^[ \t]*import[ \t]+([\w., \t]+)/gm;

/** The import statements of a Python text, also those inside functions. */
export function pythonImports(text: string): PythonImport[] {
  const found: PythonImport[] = [];
  for (const match of text.matchAll(fromLine)) {
    const names = (match[2] ?? '').replace(/[()\\]/g, ' ').replace(/#.*$/gm, '');
    found.push({
      module: match[1] ?? '',
      names: names
        .split(',')
        .map(firstWord)
        .filter((name) => /^\w+$/.test(name)),
    });
  }
  for (const match of text.matchAll(importLine)) {
    for (const part of (match[1] ?? '').split(',')) {
      found.push({ module: firstWord(part), names: [] });
    }
  }
  return found;
}

function firstWord(text: string): string {
  return text.trim().split(/\s+/)[0] ?? '';
}

/**
 * The source files that an import loads: the module, the packages above it, and submodules named after `import`. Empty for modules that are in none of the roots
 * (installed packages, the standard library).
 *
 * @param from the file that holds the import
 * @param roots directories that are searched for absolute imports
 */
export function importedFiles(statement: PythonImport, from: string, roots: readonly string[]): string[] {
  const dots = /^\.*/.exec(statement.module)?.[0].length ?? 0;
  const parts = statement.module
    .slice(dots)
    .split('.')
    .filter((part) => part !== '');
  const bases = dots === 0 ? roots : [ancestor(dirname(from), dots - 1)];
  for (const base of bases) {
    const files = filesOf(base, parts, statement.names);
    if (files.length > 0) {
      return files;
    }
  }
  return [];
}

/** The files of a module below a directory. */
export function filesOf(base: string, parts: readonly string[], names: readonly string[]): string[] {
  const files: string[] = [];
  let folder = base;
  for (const [at, part] of parts.entries()) {
    const init = join(folder, part, '__init__.py');
    const plain = join(folder, `${part}.py`);
    if (isFile(init)) {
      files.push(init);
    } else if (at === parts.length - 1 && isFile(plain)) {
      return [...files, plain];
    } else if (!isFolder(join(folder, part))) {
      return files;
    }
    folder = join(folder, part);
  }
  const inner = parts.length === 0 && isFile(join(base, '__init__.py')) ? [join(base, '__init__.py')] : [];
  const submodules = names.flatMap((name) => [join(folder, `${name}.py`), join(folder, name, '__init__.py')].filter(isFile));
  return [...files, ...inner, ...submodules];
}

function ancestor(folder: string, levels: number): string {
  return levels <= 0 ? folder : ancestor(dirname(folder), levels - 1);
}

function isFile(path: string): boolean {
  const seen = statPath(path);
  return seen.status === 'ok' && seen.stat.isFile();
}

function isFolder(path: string): boolean {
  const seen = statPath(path);
  return seen.status === 'ok' && seen.stat.isDirectory();
}
