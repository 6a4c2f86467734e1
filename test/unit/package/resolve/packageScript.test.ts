// What tools start by a name, by what npm 11, pnpm 10 and Bun 1.3 do when they are run.
import { deepEqual, equal, ok } from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type CommandLead, resolveCommand } from '../../../../src/package/resolve/resolveCommand.ts';
import { TempTree } from '../tree.ts';

describe('package scripts', () => {
  let tree: TempTree;
  beforeEach(() => {
    tree = new TempTree();
    tree.write({
      'package.json': { name: 'own', version: '1.0.0', scripts: { serve: 'node index.js' } },
      'index.js': '',
      'node_modules/tiny/package.json': { name: 'tiny', version: '1.0.0' },
      'node_modules/tiny/x.js': '#!/usr/bin/env node\n',
      'node_modules/.bin/tiny': { link: '../tiny/x.js' },
    });
    chmodSync(tree.path('node_modules/tiny/x.js'), 0o755);
  });
  afterEach(() => tree.remove());

  const follow = (line: string, more: Readonly<Record<string, string>> = {}): CommandLead =>
    resolveCommand({
      words: line.split(' '),
      cwd: tree.root,
      environment: new Map(Object.entries({ PATH: tree.path('bin'), ...more })),
      platform: 'linux',
    });
  const entryOf = (line: string): string | undefined => {
    const lead = follow(line);
    return 'found' in lead && 'ref' in lead.found ? lead.found.ref.entry.slice(tree.root.length + 1) : undefined;
  };
  const script = (name: string, line?: string): object[] => [
    { file: tree.path('package.json'), name, ...(line === undefined ? {} : { line }) },
  ];

  it('name the file and the line', () => {
    for (const tool of ['npm', 'pnpm', 'bun', 'yarn']) {
      equal(entryOf(`${tool} run serve`), 'index.js', tool);
      deepEqual(follow(`${tool} run serve`).scripts, script('serve', 'node index.js'), tool);
    }
  });

  it('pnpm, yarn and Bun start a program of the project where there is no script; npm does not', () => {
    for (const line of ['bun run tiny', 'bun run --silent tiny', 'pnpm tiny', 'yarn run tiny']) {
      equal(entryOf(line), 'node_modules/.bin/tiny', line);
      equal(follow(line).scripts, undefined, line);
    }
    equal(entryOf('npm run tiny'), undefined);
  });

  it('are missing where the file has no such script and nothing else has the name', () => {
    for (const line of ['npm run other', 'npm run -s other', 'npm start', 'bun run other', 'pnpm run other', 'pnpm -C . run other']) {
      deepEqual(follow(line).scripts, script(line.split(' ').at(-1) ?? ''), line);
    }
    const place = tree.path('empty');
    tree.write({ 'empty/x': '' });
    const lead = resolveCommand({ words: ['npm', 'run', 'x'], cwd: place, environment: new Map(), platform: 'linux' });
    deepEqual(lead.scripts, script('x'), 'the nearest package.json counts');
  });

  it('are not called missing where a workspace, a filter, a rule of Bun or the system may have them', () => {
    tree.write({ 'server.js': '', 'file.ts': '', 'bin/onpath': '#!/bin/sh\n' });
    chmodSync(tree.path('bin/onpath'), 0o755);
    for (const line of [
      'npm run -w a other',
      'npm run other -w a',
      'pnpm --filter a run other',
      'npm run --if-present other',
      'pnpm other',
    ]) {
      equal(follow(line).scripts, undefined, line);
    }
    for (const line of ['npm start', 'bun run file', 'bun run onpath', 'yarn run other']) {
      equal(follow(line).scripts, undefined, line);
    }
    equal(follow('npm run other', { npm_config_workspace: 'a' }).scripts, undefined);
    equal(entryOf('npm start'), 'server.js');
    tree.write({ 'package.json': '{"half' });
    const lead = follow('npm run other');
    ok('found' in lead && 'unknown' in lead.found);
    equal(lead.scripts, undefined, 'a file that is being written');
  });
});
