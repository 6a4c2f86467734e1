import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { npm } from '../../package/npmServers.ts';
import { keptFolder } from '../../package/testCache.ts';
import { nodeServer } from '../tinyServers.ts';

/** What the layouts install: a server in two versions, and a package that has nothing to do with it. */
export const tiny = { name: '@acme/tiny-mcp', bin: 'tiny-mcp', versions: ['1.0.0', '1.1.0'] } as const;
export const unrelated = { name: 'unrelated', version: '1.0.0' } as const;

/** Writes a version of the server as an installer unpacks it. */
export function writeTiny(folder: string, version: string): void {
  const script = nodeServer(folder, version);
  writeFileSync(script, `#!/usr/bin/env node\n${readFileSync(script, 'utf8')}`);
  chmodSync(script, 0o755);
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: tiny.name, version, type: 'module', bin: { [tiny.bin]: 'server.js' } }),
  );
}

/** A registry for npm, pnpm, Yarn, Bun and mise on loopback. */
export interface LocalPackages {
  /** With a slash at its end. */
  readonly url: string;
  close(): void;
}

/** Serves the packages. Real installers make the same layout from it as from a public registry, which a tarball or a folder as source does not give. */
export async function serveLocalPackages(): Promise<LocalPackages> {
  const folder = await keptFolder('local-packages', async (making) => {
    for (const [index, version] of [...tiny.versions, unrelated.version].entries()) {
      const source = join(making, String(index), 'package');
      writeTiny(source, version);
      if (index === tiny.versions.length) {
        writeFileSync(join(source, 'package.json'), JSON.stringify({ name: unrelated.name, version }));
      }
      execFileSync('tar', ['-czf', join(making, `${index}.tgz`), '-C', join(source, '..'), 'package']);
    }
  });
  const tarballs = [0, 1, 2].map((index) => readFileSync(join(folder, `${index}.tgz`)));
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '').replace(/\?.*/, '');
    const tarball = /^\/-\/(\d)\.tgz$/.exec(path)?.[1];
    const name = [tiny.name, unrelated.name].find((one) => path === `/${one}`);
    if (tarball !== undefined) {
      response.end(tarballs[Number(tarball)]);
    } else if (name !== undefined) {
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify(document(name, `http://${request.headers.host}`)));
    } else {
      response.writeHead(404, { 'Content-Type': 'application/json' }).end('{"error":"not found"}');
    }
  });
  function document(name: string, origin: string): unknown {
    const all =
      name === tiny.name ? tiny.versions.map((version, index) => ({ version, index })) : [{ version: unrelated.version, index: 2 }];
    const versions = all.map(({ version, index }) => {
      const integrity = `sha512-${createHash('sha512')
        .update(tarballs[index] ?? '')
        .digest('base64')}`;
      const bin = name === tiny.name ? { bin: { [tiny.bin]: 'server.js' } } : {};
      return [version, { name, version, ...bin, dist: { tarball: `${origin}/-/${index}.tgz`, integrity } }] as const;
    });
    // Old enough for installers that refuse what was published today.
    const time = Object.fromEntries(
      ['created', 'modified', ...versions.map(([version]) => version)].map((key) => [key, '2025-01-01T00:00:00.000Z']),
    );
    return { name, 'dist-tags': { latest: versions.at(-1)?.[0] }, versions: Object.fromEntries(versions), time };
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The folder of an installer from the npm registry, installed once per run. @param spec `pnpm@10` */
export async function installerTool(spec: string): Promise<string> {
  const name = spec.replace(/(?<=.)@[^@]*$/, '');
  const folder = await keptFolder(`tool-${spec.replaceAll(/[^\w.@-]/g, '+')}`, async (making) => {
    mkdirSync(making, { recursive: true });
    writeFileSync(join(making, 'package.json'), '{"private":true}');
    await npm(making, 'install', spec);
  });
  return join(folder, 'node_modules', name);
}
