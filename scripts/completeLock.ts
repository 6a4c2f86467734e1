// `node scripts/completeLock.ts`, after a change of dependencies on a machine whose registry lacks packages of some platforms:
// npm leaves such optional packages out of package-lock.json, and `npm ci` then rejects the file as incomplete. This script adds
// them by their usual names (…-<os>-<cpu>[-musl]), in the requested version, without a checksum.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './system/projectPaths.ts';

type Entry = { readonly optionalDependencies?: Record<string, string>; readonly dev?: boolean; readonly license?: string };

const file = join(projectRoot, 'package-lock.json');
const lock: { packages: Record<string, object> } = JSON.parse(readFileSync(file, 'utf8'));
const added: string[] = [];
for (const entry of Object.values<Entry>({ ...lock.packages })) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const platform = /-(android|darwin|linux|win32)-(\w+?)(?:-(musl))?$/.exec(name);
    if (!platform || !/^\d/.test(version) || `node_modules/${name}` in lock.packages) {
      continue;
    }
    const [, os, cpu, libc] = platform;
    const { dev, license } = entry;
    const flags = { ...(dev ? { dev } : {}), ...(license ? { license } : {}), optional: true };
    lock.packages[`node_modules/${name}`] = { version, cpu: [cpu], ...flags, os: [os], ...(libc ? { libc: [libc] } : {}) };
    added.push(name);
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
if (added.length > 0) {
  writeFileSync(file, `${JSON.stringify(lock, undefined, 2)}\n`);
}
console.log(added.length > 0 ? `Added ${added.join(', ')}` : 'Nothing is missing.');
