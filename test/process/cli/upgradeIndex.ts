import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildWheel, stalelib, staleMcp } from '../package/pythonWheels.ts';
import { type LocalIndex, startIndex } from '../registry/localIndex.ts';

/** The newest version of each does not start. Each version needs the same version of its library, or a newer one. */
export const notes = { npm: 'notes-mcp', lib: 'notes-lib', versions: ['1.0.0', '1.1.0', '1.2.0'] } as const;
export const stale = { python: 'stale-mcp', lib: 'stalelib', versions: ['0.1.0', '0.2.0', '0.3.0'] } as const;

/** A server over stdio. Its tool tells the versions of itself and of the library that it has loaded. */
const server = `#!/usr/bin/env node
const version = require('./package.json').version + ' with ' + require('notes-lib').version;
const answers = { initialize: (p) => ({ protocolVersion: p.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'notes', version } }),
  'tools/list': () => ({ tools: [{ name: 'version', inputSchema: { type: 'object' } }] }),
  'tools/call': () => ({ content: [{ type: 'text', text: version }] }) };
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, result: answers[method]?.(params) ?? {} }));
}).on('close', () => process.exit(0));
`;

function manifest(name: string, version: string): object {
  return name === notes.lib
    ? { name, version, main: 'index.js' }
    : { name, version, bin: { [notes.npm]: 'server.js' }, dependencies: { [notes.lib]: `^${version}` } };
}

/** A registry on loopback from which npm, pnpm and pip really install. @param folder empty, for what it serves */
export async function serveUpgrades(folder: string): Promise<LocalIndex> {
  const index = await startIndex();
  const tarballs = new Map<string, Buffer>();
  for (const name of [notes.npm, notes.lib]) {
    for (const version of notes.versions) {
      const source = join(folder, `${name}-${version}`, 'package');
      mkdirSync(source, { recursive: true });
      writeFileSync(join(source, 'package.json'), JSON.stringify(manifest(name, version)));
      const code =
        name === notes.lib ? `exports.version = '${version}';\n` : version === notes.versions[2] ? "throw new Error('broken');\n" : server;
      const file = join(source, name === notes.lib ? 'index.js' : 'server.js');
      writeFileSync(file, code);
      chmodSync(file, 0o755);
      const tarball = join(folder, `${name}-${version}.tgz`);
      execFileSync('tar', ['-czf', tarball, '-C', join(source, '..'), 'package']);
      tarballs.set(`${name}-${version}.tgz`, readFileSync(tarball));
    }
  }
  const wheels = join(folder, 'wheels');
  const [, , broken] = stale.versions;
  for (const project of [
    staleMcp(stale.versions[0]),
    staleMcp(stale.versions[1]),
    { ...staleMcp(broken), requires: ['stalelib>=1.1', 'unrelated'], append: 'raise SystemExit(3)\n' },
    stalelib('1.0.0'),
    stalelib('1.1.0'),
    { ...stalelib('1.0.0'), name: 'unrelated', package: 'stalelib' as const },
  ]) {
    await buildWheel(project, wheels);
  }
  index.instead = ({ url = '' }, response) => {
    const name = decodeURIComponent(url).replace(/^\//, '');
    const tarball = tarballs.get(name.replace(/^-\//, ''));
    const wheel = /^files\/([\w.-]+\.whl)$/.exec(name)?.[1];
    if (tarball || wheel !== undefined) {
      response.end(tarball ?? readFileSync(join(wheels, wheel ?? '')));
      return true;
    }
    if (name !== notes.npm && name !== notes.lib) {
      return false;
    }
    const versions = notes.versions.map((version) => {
      const file = `${name}-${version}.tgz`;
      const integrity = `sha512-${createHash('sha512')
        .update(tarballs.get(file) ?? '')
        .digest('base64')}`;
      return [version, { ...manifest(name, version), dist: { tarball: `${index.registry}-/${file}`, integrity } }] as const;
    });
    const time = Object.fromEntries(['created', 'modified', ...notes.versions].map((key) => [key, '2025-01-01T00:00:00.000Z']));
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ name, 'dist-tags': { latest: notes.versions[2] }, versions: Object.fromEntries(versions), time }));
    return true;
  };
  offer(index, 1, readdirSync(wheels));
  return index;
}

/** What the look-ups see: versions up to this one. Installers get all npm versions, and these wheels. */
export function offer(index: LocalIndex, newest: 1 | 2, wheels: readonly string[]): void {
  const all = Object.fromEntries(notes.versions.map((version) => [version, {}]));
  index.npm.set(notes.npm, { tags: { latest: notes.versions[newest] }, versions: all });
  const offered = wheels.filter((name) => newest === 2 || !name.includes(`-${stale.versions[2]}-`));
  for (const name of ['stale-mcp', 'stalelib', 'unrelated']) {
    index.python.set(
      name,
      offered.filter((file) => file.replaceAll('_', '-').startsWith(`${name}-`)).map((filename) => ({ filename })),
    );
  }
}
