import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ProcessDetail } from '../../../src/model/process.ts';

/** Files by path; an object is written as JSON, `{ link: target }` is a symbolic link. */
export type Tree = Readonly<Record<string, string | { readonly link: string } | object>>;

/** Writes files below a folder. */
export function writeTree(root: string, files: Tree): void {
  for (const [path, content] of Object.entries(files)) {
    const target = join(root, path);
    mkdirSync(dirname(target), { recursive: true });
    if (typeof content === 'object' && 'link' in content) {
      symlinkSync(String(content.link), target);
    } else {
      writeFileSync(target, typeof content === 'string' ? content : JSON.stringify(content));
    }
  }
}

/** A temporary folder for one test; `remove` takes it away. */
export class TempTree {
  readonly root = realpathSync.native(mkdtempSync(join(tmpdir(), 'mcp-shepherd-package-')));

  write(files: Tree): this {
    writeTree(this.root, files);
    return this;
  }

  path(...parts: readonly string[]): string {
    return join(this.root, ...parts);
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Details of a process with only what a test is about. */
export function detailOf(parts: { exe?: string; cwd?: string; env?: Readonly<Record<string, string>> }): ProcessDetail {
  return {
    ...(parts.exe === undefined ? {} : { exe: parts.exe }),
    ...(parts.cwd === undefined ? {} : { cwd: parts.cwd }),
    ...(parts.env === undefined ? {} : { environment: new Map(Object.entries(parts.env)) }),
    stdin: 'connected',
    listens: false,
    missing: [],
  };
}

/** A distribution as pip leaves it in a site directory. */
export function distInfo(
  site: string,
  name: string,
  version: string,
  more: {
    readonly requires?: readonly string[];
    readonly scripts?: readonly string[];
    readonly record?: string;
    readonly files?: Tree;
  } = {},
): Tree {
  const folder = `${site}/${name}-${version}.dist-info`;
  const files = more.record ?? `${name}/__init__.py,sha256=${Buffer.from(name + version).toString('base64url')},1\n`;
  const scripts = more.scripts ?? [];
  return {
    [`${folder}/METADATA`]: `Metadata-Version: 2.1\nName: ${name.replaceAll('_', '-')}\nVersion: ${version}\n${(more.requires ?? []).map((line) => `Requires-Dist: ${line}\n`).join('')}\nText\n`,
    [`${folder}/INSTALLER`]: 'pip\n',
    [`${folder}/RECORD`]: `${files}${scripts.map((script) => `../../../bin/${script},sha256=x,1\n`).join('')}${name}-${version}.dist-info/RECORD,,\n`,
    ...(scripts.length > 0
      ? { [`${folder}/entry_points.txt`]: `[console_scripts]\n${scripts.map((script) => `${script} = ${name}:main\n`).join('')}` }
      : {}),
    [`${site}/${name}/__init__.py`]: '',
    ...more.files,
  };
}

/** A file that claims a gigabyte and takes no room. */
export function sparse(path: string): void {
  writeFileSync(path, '');
  truncateSync(path, 2 ** 30);
}
