import { deepEqual, equal } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { guardPrefix, staleModeIn } from '../../../../src/action/protect/guardArguments.ts';
import { laziness, mayStartLazily } from '../../../../src/action/protect/mayStartLazily.ts';

import type { Definition } from '../../../../src/model/definition.ts';
import { definition } from '../../extension/samples.ts';

const route = { kind: 'launcher', path: '/r/mcp-shepherd' } as const;
const own = ['npx', '-y', 'x'];

describe('guardLine', () => {
  it('writes what was chosen and leaves out what the guard does anyway', () => {
    deepEqual(guardPrefix(own, route, { locks: [] }), ['/r/mcp-shepherd', 'guard', '--']);
    deepEqual(guardPrefix(own, route, { locks: [], onStale: 'auto' }), ['/r/mcp-shepherd', 'guard', '--']);
    deepEqual(guardPrefix(own, route, { locks: ['path:/a', 'name:b'], onStale: 'warn', onConflict: 'wait=5', runDir: '/r' }), [
      ...['/r/mcp-shepherd', 'guard', '--run-dir', '/r', '--on-stale', 'warn', '--lock', 'path:/a', '--lock', 'name:b'],
      ...['--on-conflict', 'wait=5', '--'],
    ]);
  });

  it('names no place of this machine in the portable form, and starts npx as the entry does', () => {
    deepEqual(guardPrefix(own, { kind: 'portable' }, { locks: [], runDir: '/r' }), ['npx', '-y', 'mcp-shepherd', 'guard', '--']);
    deepEqual(guardPrefix(['cmd', '/c', ...own], { kind: 'portable' }, { locks: [] }), [
      'cmd',
      '/c',
      'npx',
      '-y',
      'mcp-shepherd',
      'guard',
      '--',
    ]);
  });

  it('keeps options of the entry that are not chosen again', () => {
    const guarded = [
      '/old/mcp-shepherd',
      'guard',
      '--run-dir',
      '/old',
      '--overlap',
      '--grace=3',
      '--lock',
      'name:a',
      '--on-stale',
      'off',
      '--',
      ...own,
    ];
    deepEqual(guardPrefix(guarded, route, { locks: [], onStale: 'restart' }), [
      ...['/r/mcp-shepherd', 'guard', '--overlap', '--grace=3', '--lock', 'name:a', '--on-stale', 'restart', '--'],
    ]);
    deepEqual(guardPrefix(guarded, route, { locks: ['name:b'], onStale: 'auto' }), [
      ...['/r/mcp-shepherd', 'guard', '--overlap', '--grace=3', '--lock', 'name:b', '--'],
    ]);
  });

  it('puts --relay first, where the launcher looks for it, and keeps it and what follows', () => {
    deepEqual(guardPrefix(own, route, { locks: [], relay: true, runDir: '/r', start: 'lazy' }), [
      ...['/r/mcp-shepherd', 'guard', '--relay', '--run-dir', '/r', '--start', 'lazy', '--'],
    ]);
    const guarded = ['/r/mcp-shepherd', 'guard', '--relay', '--start', 'lazy', '--', ...own];
    deepEqual(guardPrefix(guarded, route, { locks: [], start: 'eager', runDir: '/r' }), [
      ...['/r/mcp-shepherd', 'guard', '--relay', '--run-dir', '/r', '--'],
    ]);
  });

  it('says what the guard will do when the server is stale', () => {
    equal(staleModeIn(['mcp-shepherd', 'guard', '--', 'x']), 'auto');
    equal(staleModeIn(['mcp-shepherd', 'guard', '--on-stale', 'off', '--', 'x']), 'off');
    equal(staleModeIn(['mcp-shepherd', 'guard', '--on-stale=warn', '--', 'x']), 'warn');
  });
});

describe('a lazy start is proposed', () => {
  const proposed = (line: string): boolean => mayStartLazily(line.split(' '));

  it('where files of this machine may decide what runs, and no other option forbids it', () => {
    for (const line of ['node /m/x.js', 'npx -y @m/notes@1.0.0', '/r/mcp-shepherd guard -- npx -y @m/notes@1.0.0']) {
      equal(proposed(line), true, line);
    }
    for (const line of [
      'npx -y @m/notes',
      'npx -y @m/notes@latest',
      'uvx notes==1.0',
      'docker run x',
      '/r/mcp-shepherd guard --lock name:a -- node x.js',
    ]) {
      equal(proposed(line), false, line);
    }
  });
});

describe('when the guard of an entry starts its server', () => {
  const of = (line: string, changes: Partial<Definition> = {}): string | undefined => {
    const [command = '', ...args] = line.split(' ');
    return laziness({ ...definition(), command, args, ...changes });
  };

  it('is read from the command, guarded or not', () => {
    equal(of('node /srv/notes.js'), 'lazyable');
    equal(of('/r/mcp-shepherd guard --on-stale warn -- node /srv/notes.js', { guarded: true }), 'lazyable');
    equal(of('/r/mcp-shepherd guard --start lazy -- node /srv/notes.js', { guarded: true }), 'lazy');
    equal(of('/r/mcp-shepherd guard --start=lazy -- node /srv/notes.js', { guarded: true }), 'lazy');
  });

  it('is no choice where the guard would start it with each session, holds a lock, or cannot be used', () => {
    equal(of('npx -y notes'), undefined);
    equal(of('/r/mcp-shepherd guard --lock name:x -- node /srv/notes.js', { guarded: true }), undefined);
    equal(of('node /srv/notes.js', { scope: 'managed' }), undefined);
    equal(of('', { transport: 'http' }), undefined);
    // An argument of the server itself is no option of the guard.
    equal(of('node /srv/notes.js --start lazy'), 'lazyable');
  });
});
