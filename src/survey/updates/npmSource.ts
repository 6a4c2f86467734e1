import { join } from 'node:path';
import { isRecord } from '../../base/json.ts';
import { readBounded, readJsonObject } from '../../storage/boundedFile.ts';
import { parseNpmSpec } from '../../version/npmSpec.ts';

/** Lock files of large projects are longer than other metadata. */
const maxLockBytes = 16 * 1024 * 1024;

/**
 * Where an npm package came from, as npm's own lock file says, else the project's package.json, pnpm's folder or any other lock file; undefined when nothing
 * of them names a source.
 * @param manifest the project's package.json
 */
export function npmSource(
  project: string,
  environment: string,
  manifest: Record<string, unknown> | undefined,
  name: string,
): string | undefined {
  return (
    (project === environment ? npmLocked(join(environment, 'node_modules', '.package-lock.json'), name) : undefined) ??
    sourceAsked(manifest, name) ??
    pnpmSource(environment) ??
    // Where npm left no hidden one.
    npmLocked(join(project, 'package-lock.json'), name) ??
    lockedElsewhere(project, name)
  );
}

/** What a project's package.json says of a package that it requires itself, whatever stands there. */
export function askedIn(manifest: Record<string, unknown> | undefined, name: string): unknown[] {
  return ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((field) => {
    const listed = manifest?.[field];
    return isRecord(listed) && Object.hasOwn(listed, name) ? [listed[name]] : [];
  });
}

/** The file, folder, address or checkout that the project's own package.json names for it. */
function sourceAsked(manifest: Record<string, unknown> | undefined, name: string): string | undefined {
  for (const asked of askedIn(manifest, name)) {
    const spec = typeof asked === 'string' ? parseNpmSpec(`${name}@${asked}`) : undefined;
    if (spec && 'source' in spec) {
      return spec.source;
    }
  }
  return undefined;
}

/** pnpm names the folder of what is from no registry after its source: `notes@file+..+notes.tgz`. */
function pnpmSource(environment: string): string | undefined {
  return /[\\/]\.pnpm[\\/][^\\/]*@((?:file|link|git|https?)[+:@][^\\/]*)$/.exec(environment)?.[1];
}

/** The address in a lock file of npm. */
function npmLocked(file: string, name: string): string | undefined {
  const packages = readJsonObject(file, maxLockBytes)?.packages;
  const entry = isRecord(packages) ? packages[`node_modules/${name}`] : undefined;
  return isRecord(entry) && typeof entry.resolved === 'string' ? entry.resolved : undefined;
}

/** The address in a lock file of yarn 1, pnpm or bun. The latter two write it only when it is not the one that their registry would give. */
function lockedElsewhere(project: string, name: string): string | undefined {
  for (const [file, mark] of [
    ['yarn.lock', ' resolved "'],
    ['pnpm-lock.yaml', 'tarball: '],
  ] as const) {
    for (const block of blocksOf(readLock(join(project, file)), name)) {
      const at = block.indexOf(mark);
      const url = at < 0 ? undefined : /^https?:\/\/[^"#,}\s]+/.exec(block.slice(at + mark.length, at + mark.length + 2048))?.[0];
      if (url !== undefined) {
        return url;
      }
    }
  }
  const bun = readLock(join(project, 'bun.lock'));
  const listed = bun.indexOf(`["${name}@`);
  return listed < 0 ? undefined : /^[^"]{0,300}",\s{0,20}"(https?:\/\/[^"]{1,2048})"/.exec(bun.slice(listed + 2, listed + 3000))?.[1];
}

/** Of a lock file of yarn 1 or pnpm: the lines below each line that begins with a package's name and a version. */
function* blocksOf(text: string, name: string): Generator<string> {
  const mark = `${name}@`;
  for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + mark.length)) {
    const line = text.lastIndexOf('\n', at) + 1;
    const before = text.slice(line, at);
    const end = text.indexOf('\n', at);
    if (end >= 0 && before.length <= 8 && /^ *['"]?\/?$/.test(before) && /:['"]?$/.test(text.slice(Math.max(line, end - 2), end))) {
      const rest = /^(?: [^\n]{0,2000}\n){0,8}/.exec(text.slice(end + 1, end + 8192))?.[0] ?? '';
      yield rest;
    }
  }
}

function readLock(path: string): string {
  const read = readBounded(path, maxLockBytes);
  return read.status === 'ok' ? read.text.replaceAll('\r\n', '\n') : '';
}
