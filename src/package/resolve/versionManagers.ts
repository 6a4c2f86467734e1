import { dirname, join } from 'node:path';
import { isRecord } from '../../base/json.ts';
import { readBounded, readJsonObject, statPath } from '../../storage/boundedFile.ts';
import type { SearchPlace } from './commandPath.ts';

/**
 * The program that a shim of a version manager starts: pyenv and asdf (by their version files and variables). Volta's own programs are found beside its links.
 * Undefined for a path that is no such shim.
 * @param visited gets the files that decide
 */
export function managedProgram(path: string, place: SearchPlace, visited: Set<string>): string | { readonly unknown: string } | undefined {
  const [, root, program] = /^(.*[\\/]\.?(?:pyenv|rbenv|nodenv|asdf)[^\\/]*)[\\/]shims[\\/]([^\\/]+)$/.exec(path) ?? [];
  if (root !== undefined && program !== undefined) {
    return /asdf[^\\/]*$/.test(root) ? asdfProgram(root, program, place, visited) : pyenvProgram(root, program, place, visited);
  }
  const [, volta, name] = /^(.*[\\/]\.?volta)[\\/]bin[\\/]([^\\/]+)$/.exec(path) ?? [];
  return volta === undefined || name === undefined ? undefined : voltaProgram(volta, name, visited);
}

/** pyenv, nodenv: `NAME_VERSION`, else the nearest version file upwards, else the global one. The first of the named versions that has the program is taken. */
function pyenvProgram(root: string, program: string, place: SearchPlace, visited: Set<string>): string | { readonly unknown: string } {
  const tool = /(pyenv|rbenv|nodenv)[^\\/]*$/.exec(root)?.[1] ?? 'pyenv';
  const language = { pyenv: 'python', rbenv: 'ruby', nodenv: 'node' }[tool] ?? 'python';
  const named = place.environment?.get(`${tool.toUpperCase()}_VERSION`);
  const written = named?.split(':') ?? versionsIn(place.cwd, `.${language}-version`, join(root, 'version'), visited);
  if (written === undefined) {
    return { unknown: `${tool} has no version for it` };
  }
  return chosen(
    written.map((version) => join(root, 'versions', version, 'bin', program)),
    program,
  );
}

/** asdf: `ASDF_TOOL_VERSION`, else the nearest `.tool-versions` upwards, else that of the home. The plugin of a program stands in its shim. */
function asdfProgram(root: string, program: string, place: SearchPlace, visited: Set<string>): string | { readonly unknown: string } {
  const shim = join(root, 'shims', program);
  visited.add(shim);
  const text = readBounded(shim);
  const plugins = text.status === 'ok' ? [...text.text.matchAll(/^#\s*asdf-plugin:\s*(\S+)\s+(\S+)/gm)] : [];
  const [plugin] = new Set(plugins.map((match) => match[1] ?? ''));
  if (plugin === undefined || new Set(plugins.map((match) => match[1])).size !== 1) {
    return { unknown: 'the shim of asdf names no single plugin' };
  }
  const named = place.environment?.get(`ASDF_${plugin.toUpperCase().replaceAll('-', '_')}_VERSION`);
  const home = place.environment?.get('HOME') ?? dirname(root);
  const lines = named === undefined ? toolVersions(place.cwd, home, plugin, visited) : named.split(/\s+/);
  return lines === undefined
    ? { unknown: 'no .tool-versions names a version for it' }
    : chosen(
        lines.map((version) => join(root, 'installs', plugin, version, 'bin', program)),
        program,
      );
}

function chosen(paths: readonly string[], program: string): string | { readonly unknown: string } {
  return paths.find((path) => statPath(path).status === 'ok') ?? { unknown: `no chosen version has ${program}` };
}

/** The versions in the nearest file of this name upwards, else in the global one. */
function versionsIn(cwd: string | undefined, name: string, global: string, visited: Set<string>): readonly string[] | undefined {
  const files = [...(cwd === undefined ? [] : upwards(cwd).map((folder) => join(folder, name))), global];
  for (const file of files) {
    const read = readBounded(file, 4096);
    if (read.status === 'ok') {
      visited.add(file);
      const versions = read.text.split(/\s+/).filter((word) => /^[\w.-]+$/.test(word));
      return versions.length === 0 ? undefined : versions;
    }
  }
  return undefined;
}

function toolVersions(cwd: string | undefined, home: string, plugin: string, visited: Set<string>): readonly string[] | undefined {
  for (const folder of [...(cwd === undefined ? [] : upwards(cwd)), home]) {
    const file = join(folder, '.tool-versions');
    const read = readBounded(file, 64 * 1024);
    if (read.status === 'ok') {
      const line = read.text.split(/\r?\n/).find((one) => one.trim().split(/\s+/)[0] === plugin);
      if (line !== undefined) {
        visited.add(file);
        return line
          .replace(/#.*/, '')
          .trim()
          .split(/\s+/)
          .slice(1)
          .filter((word) => /^[\w.-]+$/.test(word));
      }
    }
  }
  return undefined;
}

/** Volta keeps what `volta install` installed below `tools/image/packages`; `tools/user/bins/NAME.json` names the package of each program. */
function voltaProgram(root: string, name: string, visited: Set<string>): string | { readonly unknown: string } | undefined {
  const file = join(root, 'tools', 'user', 'bins', `${name}.json`);
  const json = readJsonObject(file);
  const owner = isRecord(json) && typeof json.package === 'string' ? json.package : undefined;
  if (owner === undefined || !/^(@[\w.-]+\/)?[\w.-]+$/.test(owner) || owner.includes('..')) {
    return undefined;
  }
  visited.add(file);
  return chosen([join(root, 'tools', 'image', 'packages', owner, 'bin', name)], name);
}

function upwards(from: string): string[] {
  return from === dirname(from) ? [from] : [from, ...upwards(dirname(from))];
}

/**
 * The same file in the version of a VS Code extension that is installed now. An update of an extension writes another folder beside the old one and names it in
 * `extensions.json`. Undefined for a path outside such a folder, while its version is the installed one, and when the list cannot be read.
 * @param visited gets the list
 */
export function updatedExtensionFile(path: string, visited: Set<string>): string | undefined {
  const match = /^(.*[\\/]extensions)[\\/]([\w-]+\.[\w-]+)-\d+\.\d+\.[^\\/]+[\\/](.+)$/.exec(path);
  const [, folder = '', id = '', rest = ''] = match ?? [];
  const list = join(folder, 'extensions.json');
  const read = match ? readBounded(list) : undefined;
  if (read?.status !== 'ok') {
    return undefined;
  }
  visited.add(list);
  const places = new Set(installedExtensions(read.text).flatMap((one) => (one.id.toLowerCase() === id.toLowerCase() ? [one.place] : [])));
  const [place] = places;
  const file = place === undefined ? undefined : join(folder, place, rest);
  return places.size === 1 && file !== path ? file : undefined;
}

function installedExtensions(text: string): { readonly id: string; readonly place: string }[] {
  try {
    const json: unknown = JSON.parse(text);
    return (Array.isArray(json) ? json : []).flatMap((one: unknown) => {
      const identifier = isRecord(one) && isRecord(one.identifier) ? one.identifier.id : undefined;
      const place = isRecord(one) ? one.relativeLocation : undefined;
      return typeof identifier === 'string' && typeof place === 'string' && /^[\w.-]+$/.test(place) ? [{ id: identifier, place }] : [];
    });
  } catch {
    return [];
  }
}
