import { isAbsolute, resolve } from 'node:path';

/** Variables of a file that are read. */
const maxVariables = 1_000;
/** In characters. */
const maxText = 256 * 1024;
const assignment = /^[ \t]*(?:export[ \t]+)?([\w.-]+)[ \t]*=[ \t]*("(?:\\.|[^"\\])*"|'[^']*'|`[^`]*`|[^\r\n]*)/gm;

/**
 * The path of an entry's `envFile` (VS Code, Cursor). Undefined where it cannot be told, and for network shares: asking for one sends the user's credentials of
 * Windows to the host that it names.
 */
export function envFilePath(written: string, home: string, folder: string | undefined): string | undefined {
  const path = written
    .replace(/^~(?=[\\/])|\$\{userHome\}/g, () => home)
    .replace(/\$\{workspace(?:Folder|Root)\}/g, (name) => folder ?? name);
  if (path.includes('${') || /^[\\/]{2}/.test(path) || (folder === undefined && !isAbsolute(path))) {
    return undefined;
  }
  return resolve(folder ?? '/', path);
}

/** The variables of such a file: `NAME=value`, also with `export`, quotes and line ends in quotes; of a value with `#` the whole and the part before it. */
export function fileVariables(text: string): Readonly<Record<string, string>> {
  const found: [string, string][] = [];
  for (const [, name = '', written = ''] of text.slice(0, maxText).matchAll(assignment)) {
    if (found.length >= maxVariables) {
      break;
    }
    const quoted = /^(["'`])([\s\S]*)\1$/.exec(written)?.[2];
    const plain = quoted ?? written.trim();
    found.push([name, plain.replaceAll('\\n', '\n').replace(/\\(.)/g, '$1')], [`${name} as written`, plain]);
    if (quoted === undefined && /\s#/.test(plain)) {
      found.push([`${name} before its comment`, plain.split(/\s+#/)[0] ?? '']);
    }
  }
  return Object.fromEntries(found);
}
