// The gate of a guard and the survey follow a command by the same rule: what `status` calls stale, a guarded call is refused for, with the same versions.
import { deepEqual, equal, match } from 'node:assert/strict';
import { mkdirSync, realpathSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { Surveyor } from '../../../../src/survey/surveyor.ts';
import { until } from '../../../until.ts';
import { makeVenv, pip } from '../../package/pythonWheels.ts';
import { headlines, makeSurveyor, settled } from '../../survey/world.ts';
import { GuardHome, publishedGuards } from '../guardedServer.ts';
import { HttpWorld } from '../http/httpWorld.ts';
import { RawClient as HttpClient } from '../http/rawClient.ts';

/** Over HTTP when it gets a port. */
const program = (version: string): string => `#!/usr/bin/env node
const answer = ({ id, method }) => ({
  jsonrpc: '2.0', id,
  result: method === 'initialize' ? { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'tiny', version: '1' } }
    : method === 'tools/list' ? { tools: [{ name: 'write', inputSchema: { type: 'object' } }] }
    : method === 'tools/call' ? { content: [{ type: 'text', text: '${version}' }] } : {},
});
if (process.env.PORT) {
  require('node:http').createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => { body += chunk; }).on('end', () => {
      const message = body === '' ? {} : JSON.parse(body);
      if (message.id === undefined) return response.writeHead(202).end();
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer(message)));
    });
  }).listen(Number(process.env.PORT), '127.0.0.1');
} else {
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const message = JSON.parse(line);
    if (message.id !== undefined) console.log(JSON.stringify(answer(message)));
  }).on('close', () => process.exit());
}
`;

/** A package at a place. */
function place(folder: string, version: string): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'tiny-mcp', version, bin: { tiny: 'index.js' } }));
  writeFileSync(join(folder, 'index.js'), program(version), { mode: 0o755 });
  return join(folder, 'index.js');
}

/** Makes a link, or lets it lead elsewhere, in one step. */
function lead(link: string, target: string): void {
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(target, `${link}.next`);
  renameSync(`${link}.next`, link);
}

interface Layout {
  readonly versions: readonly [running: string, installed: string];
  /** Does not speak HTTP, or needs variables of its own. */
  readonly stdioOnly?: true;
  /** @returns the command, and what moves it to the other version */
  make(root: string): Promise<{ readonly words: readonly string[]; readonly path?: string; move(): void }>;
}

const versions = ['1.0.0', '1.1.0'] as const;

const layouts: Readonly<Record<string, Layout>> = {
  'node_modules/NAME -> .store/X/NAME': {
    versions,
    async make(root) {
      for (const [store, version] of [
        ['a', '1.0.0'],
        ['b', '1.1.0'],
      ] as const) {
        place(join(root, 'node_modules', '.store', store, 'tiny-mcp'), version);
      }
      const link = join(root, 'node_modules', 'tiny-mcp');
      lead(link, join('.store', 'a', 'tiny-mcp'));
      return { words: [process.execPath, join(link, 'index.js')], move: () => lead(link, join('.store', 'b', 'tiny-mcp')) };
    },
  },
  'a shim that names the folder of a version in pnpm’s store': {
    versions,
    async make(root) {
      const shim = join(root, 'node_modules', '.bin', 'tiny');
      const write = (version: string): void => {
        const path = `node_modules/.pnpm/tiny-mcp@${version}/node_modules/tiny-mcp`;
        place(join(root, path), version);
        mkdirSync(dirname(shim), { recursive: true });
        writeFileSync(
          `${shim}.next`,
          `#!/bin/sh\nbasedir=$(dirname "$(echo "$0" | sed -e 's,\\\\,/,g')")\n\nexec node  "$basedir/../../${path}/index.js" "$@"\n`,
          { mode: 0o755 },
        );
        renameSync(`${shim}.next`, shim);
      };
      write('1.0.0');
      return { words: [shim], move: () => write('1.1.0') };
    },
  },
  'a program that comes to stand earlier on PATH': {
    versions,
    stdioOnly: true,
    async make(root) {
      const [early, late] = [join(root, 'early'), join(root, 'late')];
      mkdirSync(early);
      lead(join(late, 'tiny'), place(join(root, 'old'), '1.0.0'));
      const newer = place(join(root, 'new'), '1.1.0');
      return { words: ['tiny'], path: `${early}:${late}`, move: () => lead(join(early, 'tiny'), newer) };
    },
  },
  'a link to a virtual environment': {
    versions: ['0.1.0', '0.2.0'],
    stdioOnly: true,
    async make(root) {
      for (const version of ['0.1.0', '0.2.0']) {
        await makeVenv(join(root, version));
        await pip(join(root, version), 'install', `stale-mcp==${version}`, 'stalelib==1.0.0');
      }
      const link = join(root, 'current');
      lead(link, '0.1.0');
      return { words: [join(link, 'bin', 'stale-mcp')], move: () => lead(link, '0.2.0') };
    },
  },
};

describe('what the gate of a guard and the survey say of one command', function () {
  this.timeout(180_000);
  let home: GuardHome;
  let observer: Surveyor;

  beforeEach(function () {
    if (process.platform !== 'linux') {
      console.log('skipped: the gate was not run on this system yet');
      this.skip();
    }
    home = new GuardHome();
  });
  afterEach(async () => {
    observer?.dispose();
    await home.clean();
  });

  /** The row of the one server of a run folder. */
  async function row(): Promise<{ readonly versions: readonly unknown[]; readonly found: readonly string[] }> {
    const [one] = (await settled(observer)).instances.filter(({ record }) => record?.state === 'running');
    return { versions: [one?.package?.running, one?.package?.installed], found: one ? headlines(one) : [] };
  }

  for (const [
    name,
    {
      versions: [running, installed],
      stdioOnly,
      make,
    },
  ] of Object.entries(layouts)) {
    it(`${name}: stdio`, async () => {
      const { words, path, move } = await make(realpathSync(home.root));
      home.variables = path === undefined ? {} : { PATH: `${path}:${process.env.PATH}` };
      const client = await home.guard(['--on-stale', 'refuse', '--', ...words]);
      await client.handshake();
      await until('its version is recorded', () => JSON.stringify(publishedGuards(home.run)[0]?.record.package ?? '').includes(running));
      observer = await makeSurveyor(home.root, home.run);
      deepEqual(await row(), { versions: [running, running], found: [] });
      move();
      match(await client.text('write'), new RegExp(` ${running}, installed is ${installed}`));
      deepEqual(await row(), { versions: [running, installed], found: ['stale/replaced-beside/proven'] });
      process.kill(client.pid, 'SIGUSR2');
      await until('the new version is recorded', () =>
        JSON.stringify(publishedGuards(home.run)[0]?.record.package ?? '').includes(installed),
      );
      deepEqual(await row(), { versions: [installed, installed], found: [] });
    });

    if (!stdioOnly) {
      it(`${name}: --http`, async () => {
        const world = new HttpWorld();
        try {
          const { words, move } = await make(realpathSync(world.root));
          const options = ['--listen', '0', '--wait', '60', '--on-stale', 'refuse', '--port-env', 'PORT'];
          const guard = await world.guard([...options, '--', ...words]);
          const client = new HttpClient(guard.origin);
          await client.initialize();
          const write = async (): Promise<string> => (await client.request('tools/call', { name: 'write' })).text;
          equal((await write()).includes(running), true);
          move();
          match(await write(), new RegExp(`tiny-mcp ${running}, installed is ${installed}`));
        } finally {
          await world.clean();
        }
      });
    }
  }
});
