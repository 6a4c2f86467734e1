import { dirname, extname, join, resolve } from 'node:path';
import { isRecord } from '../../base/json.ts';
import { readJsonObject, realPath, statPath } from '../../storage/boundedFile.ts';

const fromShape = /\b(import|export)\b(\s+type\b)?[^'"`;()]{0,2000}?\bfrom\s*(['"])([^'"\n]{1,500})\3/g;
const sideEffectShape = /\bimport\s*(['"])([^'"\n]{1,500})\1/g;
const callShape = /\b(?:require|import)\s*\(\s*(['"])([^'"\n]{1,500})\1/g;

/** The modules that a JavaScript or TypeScript text names literally. Lines that begin as a comment are skipped. */
export function namedModules(text: string): string[] {
  const code = text.replace(/^[ \t]*(\/\/|\*|\/\*).*$/gm, '');
  const names = new Set<string>();
  for (const match of code.matchAll(fromShape)) {
    if (match[2] === undefined) {
      names.add(match[4] ?? '');
    }
  }
  for (const shape of [sideEffectShape, callShape]) {
    for (const match of code.matchAll(shape)) {
      names.add(match[2] ?? '');
    }
  }
  return [...names];
}

const extensions = ['', '.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.tsx', '.jsx'];

/**
 * The source file that a module name means in a file: a relative or absolute path, or a package of a workspace (a link out of `node_modules`).
 * Undefined for installed packages, built-in modules, data files and missing files.
 */
export function moduleFile(name: string, from: string): string | undefined {
  if (/^\.{1,2}(\/|$)|^\//.test(name)) {
    return sourceFile(resolve(dirname(from), name));
  }
  const bare = /^(@[\w.-]+\/)?[\w.-]+$/.test(name) ? workspacePackage(name, dirname(from)) : undefined;
  return bare === undefined ? undefined : mainFile(bare);
}

function sourceFile(path: string): string | undefined {
  const typed = path.replace(/\.([cm]?)js$/, '.$1ts');
  const candidates = [
    ...extensions.map((extension) => path + extension),
    typed,
    ...extensions.slice(1).map((extension) => join(path, `index${extension}`)),
  ];
  for (const candidate of candidates) {
    const seen = statPath(candidate);
    // The server itself may write the data (JSON) that it imports.
    if (seen.status === 'ok' && seen.stat.isFile() && /^\.[cm]?[jt]sx?$/.test(extname(candidate))) {
      return realPath(candidate);
    }
  }
  return undefined;
}

function workspacePackage(name: string, from: string): string | undefined {
  for (let at = from; ; at = dirname(at)) {
    const path = join(at, 'node_modules', name);
    if (statPath(path).status === 'ok') {
      const target = realPath(path);
      return target === undefined || /[\\/]node_modules[\\/]/.test(target) ? undefined : target;
    }
    if (at === dirname(at)) {
      return undefined;
    }
  }
}

/** The file of a package that `import 'name'` loads: its exports for `.`, else `main`, else index.js. */
export function mainFile(directory: string): string | undefined {
  const json = readJsonObject(join(directory, 'package.json'));
  const exported = exportedPath(json?.exports, '.', 'import') ?? exportedPath(json?.exports, '.', 'require');
  return json && sourceFile(resolve(directory, exported ?? (typeof json.main === 'string' ? json.main : 'index.js')));
}

/**
 * The path below a package's folder to which its `exports` lead, by the conditions of Node in their order (nodejs.org/api/packages.html#resolution-algorithm).
 * @param subpath `.`, or `./` and what stands behind the package's name @param kind how the file is loaded @returns undefined where nothing is exported
 */
export function exportedPath(exports: unknown, subpath: string, kind: 'import' | 'require'): string | undefined {
  if (!isRecord(exports) || !Object.keys(exports).some((key) => key.startsWith('.'))) {
    return subpath === '.' ? targetOf(exports, kind, '') : undefined;
  }
  if (Object.hasOwn(exports, subpath)) {
    return targetOf(exports[subpath], kind, '');
  }
  for (const key of Object.keys(exports).sort((a, b) => b.indexOf('*') - a.indexOf('*'))) {
    const [head = '', tail] = key.split('*');
    if (tail !== undefined && subpath.startsWith(head) && subpath.endsWith(tail) && subpath.length > head.length + tail.length) {
      return targetOf(exports[key], kind, subpath.slice(head.length, subpath.length - tail.length));
    }
  }
  return undefined;
}

function targetOf(target: unknown, kind: string, star: string, depth = 0): string | undefined {
  if (typeof target === 'string') {
    return target.replaceAll('*', () => star);
  }
  if (!isRecord(target) || depth > 5) {
    return undefined;
  }
  // The first condition that holds counts.
  return Object.keys(target)
    .filter((key) => ['node', 'default', 'module-sync', kind].includes(key))
    .map((key) => targetOf(target[key], kind, star, depth + 1))
    .find((found) => found !== undefined);
}
