import { dirname, extname, join, sep } from 'node:path';
import { isRecord } from '../../base/json.ts';
import { realPath, statPath } from '../../storage/boundedFile.ts';
import { type CodeContent, contentOfFiles } from '../code/codeContent.ts';
import type { MetadataCache } from '../metadataCache.ts';
import { exportedPath, namedModules } from './nodeImports.ts';

/** At most this many files of the own package are searched for imports, and this many imported files are compared. */
const maxSearched = 100;
const maxImported = 200;

/** A module of a package: the package's name, and the path behind it. */
const bareShape = /^((?:@[a-z\d][\w.-]*\/)?[a-z\d][\w.-]*)(\/[^?#]+)?$/i;

/** Finds the files of other packages that a package imports: `importedCode`. Readings without it do not look at them. */
export type ImportReader = typeof importedCode;

/**
 * The files of other packages that the code of an installed package loads by literal imports, by the directory of their package: what is edited there in place is
 * what a restart loads. Reads `exports` as Node does (nodejs.org/api/packages.html#resolution-algorithm). Files that those load in turn are left out.
 *
 * @param files of the own package, absolute
 * @param find the directory of a package, from the own one
 * @returns the content of those files of one package
 */
export function importedCode(
  directory: string,
  files: readonly string[],
  cache: MetadataCache,
  find: (name: string) => string | undefined,
): (root: string) => Omit<CodeContent, 'folders'> | undefined {
  const found = new Map<string, Set<string>>();
  let count = 0;
  for (const file of files.slice(0, maxSearched)) {
    const read = cache.read('imports', file, namedModules);
    const names = (read.status === 'ok' ? read.value : []).map((name) => bareShape.exec(name) ?? []);
    const kind = names.length > 0 && isModule(file, directory, cache) ? 'import' : 'require';
    for (const [, name, below = ''] of names) {
      const root = name === undefined ? undefined : find(name);
      const loaded = root === undefined || count >= maxImported ? undefined : moduleOf(root, below, kind, cache);
      if (root !== undefined && root !== directory && loaded?.startsWith(root + sep)) {
        const known = found.get(root) ?? new Set<string>();
        count += known.has(loaded) ? 0 : 1;
        found.set(root, known.add(loaded));
      }
    }
  }
  return (root) => contentOfFiles(root, [...(found.get(root) ?? [])].map((path) => path.slice(root.length + 1)).sort(), cache);
}

/** Whether Node reads a file as an ES module: by its ending, else by the nearest package.json. */
function isModule(file: string, top: string, cache: MetadataCache): boolean {
  const ending = extname(file);
  if (ending !== '.js' && ending !== '.ts') {
    return ending.startsWith('.m');
  }
  for (let at = dirname(file); ; at = dirname(at)) {
    const described = description(at, cache);
    if (described !== undefined || at === top || at === dirname(at)) {
      return described?.type === 'module';
    }
  }
}

function description(directory: string, cache: MetadataCache): Record<string, unknown> | undefined {
  const read = cache.read('description', join(directory, 'package.json'), (text): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      return undefined;
    }
  });
  return read.status === 'ok' && isRecord(read.value) ? read.value : undefined;
}

/** The file, links followed. @param below `/path` behind the package's name, or empty */
function moduleOf(root: string, below: string, kind: 'import' | 'require', cache: MetadataCache): string | undefined {
  const described = description(root, cache) ?? {};
  const { exports, main } = described;
  const path =
    exports !== undefined && exports !== null
      ? exportedPath(exports, `.${below}`, kind)
      : below === ''
        ? typeof main === 'string'
          ? main
          : 'index.js'
        : below.slice(1);
  const target = path === undefined ? undefined : join(root, path);
  const endings = exports === undefined || exports === null ? ['', '.js', '.cjs', '/index.js'] : [''];
  for (const ending of target === undefined ? [] : endings) {
    const seen = statPath(target + ending);
    if (seen.status === 'ok' && seen.stat.isFile() && /\.[cm]?js$/.test(target + ending)) {
      return realPath(target + ending);
    }
  }
  return undefined;
}
