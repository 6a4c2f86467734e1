import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { identityKey, type ProcessRow } from '../../../src/model/process.ts';
import { snapshotSchema } from '../../../src/model/snapshot.ts';
import { factSchemas } from '../../../src/survey/facts/factSchemas.ts';
import type { HostileTree } from './hostileFiles.ts';
import { type Chance, hostileFileName, hostileText, hostileValue } from './hostileText.ts';

/** A resource that records of the world claim. */
export interface Claimed {
  readonly id: string;
  readonly key: string;
}

type Mark = { readonly pid: number; readonly start: string };

/** A process that a record names: canary, init, this process, its parent, a number that is no PID. */
function markOf(chance: Chance, rows: readonly ProcessRow[]): Mark {
  const row = chance.pick(rows);
  return chance.is(0.7)
    ? { pid: row.pid, start: row.identity.start }
    : {
        pid: chance.pick([0, 1, -1, -process.pid, process.pid, process.ppid, 2 ** 31, 1.5, row.pid]),
        start: chance.pick(['?', 'lx:0', row.identity.start, hostileText(chance)]),
      };
}

function recordText(tree: HostileTree, id: string, key: string, rows: readonly ProcessRow[]): string {
  const { chance, runDir } = tree;
  const [row] = rows;
  // Of a record with a control character, nothing counts: most have none, so that the rest is judged.
  const clean = chance.is(0.8);
  const living = chance.pick(rows.filter(({ pid }) => pid > 1));
  const text = (): string =>
    chance.is(0.5)
      ? 'notes'
      : clean
        ? hostileText(chance)
            .replace(/\p{Cc}/gu, '')
            .slice(0, 4_000)
        : hostileText(chance);
  const server = clean && chance.is(0.5) ? { pid: living.pid, start: living.identity.start } : markOf(chance, rows);
  const record = {
    ilp: chance.is(0.95) ? 1 : chance.pick([0, 2, hostileValue(chance)]),
    minReader: 1,
    id: chance.is(0.95) ? id : chance.hex(32),
    seq: 1,
    state: chance.pick(['starting', 'running', 'stopping', 'compromised']),
    host: chance.is(0.9) ? { boot: row?.identity.bootId, pidns: row?.identity.pidNamespace } : { boot: text(), pidns: text() },
    ...(chance.is(clean ? 0.1 : 0.5) ? { guard: markOf(chance, rows) } : {}),
    server: { ...server, ...(chance.is(0.5) ? { pgid: clean ? server.pid : chance.pick([server.pid, 1, -1, 0]) } : {}) },
    serverId: text(),
    ...(chance.is(0.7)
      ? { client: { name: text(), ...(clean || chance.is(0.5) ? { pid: 2_147_483_646, start: 'lx:1' } : markOf(chance, rows)) } }
      : {}),
    locks: [{ key, kind: chance.pick(['path', 'port', 'name']), resource: text() }],
    exclusion: chance.pick(['flock', 'share0', 'none']),
    launch: { command: text(), args: ['--token', chance.secret(), text()], cwd: text(), envNames: [text()] },
    package: { ecosystem: chance.pick(['npm', 'python', text()]), name: text(), version: text(), root: tree.project },
    deps: { versions: { [text()]: text() } },
    ...(chance.is(0.4)
      ? {
          control: {
            type: 'unix',
            path: chance.pick([join(runDir, 'v1', 's', `${chance.hex(12)}.sock`), '/tmp/mcp-0-00000000/c.sock', text()]),
            caps: ['restart', 'stop', text()],
          },
        }
      : {}),
    startedAt: text(),
    x: {
      problem: text(),
      refused: { calls: 3, last: text(), at: text() },
      takeovers: hostileValue(chance),
      idleSince: text(),
      note: hostileValue(chance),
    },
  };
  return JSON.stringify(chance.is(0.1) ? { ...record, [chance.pick(Object.keys(record))]: hostileValue(chance) } : record);
}

function identityName(identity: ProcessRow['identity']): string {
  return createHash('sha256').update(identityKey(identity)).digest('hex').slice(0, 32);
}

/** Facts, histories, requests, windows and answers, each about real and made processes. */
function putState(tree: HostileTree, rows: readonly ProcessRow[]): void {
  const { chance, runDir, home, project } = tree;
  const state = join(runDir, 'shepherd');
  const row = (): ProcessRow => chance.pick(rows);
  for (const kind of ['seen', 'baseline', ...Object.keys(factSchemas)]) {
    const { identity } = row();
    const value = {
      schema: 1,
      identity,
      takenAt: chance.pick([0, Date.now(), 1e300, -1]),
      firstSeenAt: chance.pick([0, Date.now(), 8.64e15 + 1, -1]),
      trust: 'before-start',
      packages: chance.some(3, () => ({
        ecosystem: 'npm',
        name: hostileText(chance),
        version: hostileText(chance),
        root: hostileText(chance),
      })),
      command: hostileText(chance),
      client: { id: hostileText(chance), name: hostileText(chance), identity: row().identity },
      files: [{ path: chance.pick(['/dev/zero', '/etc/passwd', hostileText(chance)]), hash: chance.hex(64) }],
      definition: hostileText(chance),
      print: hostileValue(chance),
    };
    tree.put(join(state, 'facts', `${identityName(identity)}.${kind}.json`), JSON.stringify(value));
  }
  tree.put(join(state, 'facts', hostileFileName(chance)), 'x');
  const entry = (): string =>
    JSON.stringify({
      schema: 1,
      at: chance.pick(['2026-01-01T00:00:00.000Z', hostileText(chance)]),
      by: hostileText(chance),
      verb: chance.pick(['restart', 'stop', 'end']),
      target: {
        instance: hostileText(chance),
        pid: row().pid,
        name: hostileText(chance),
        client: hostileText(chance),
        runs: hostileText(chance),
      },
      steps: chance.some(2, () => ({ text: hostileText(chance), result: hostileText(chance) })),
      outcome: chance.pick(['done', 'failed', 'refused', hostileText(chance)]),
      message: hostileText(chance),
    });
  tree.put(join(state, 'history', 'history.jsonl'), [...chance.some(6, entry), hostileText(chance)].join('\n'));
  if (chance.is(0.2)) {
    tree.put(join(state, 'history', 'history.jsonl.1'), entry());
  }
  const request = chance.hex(24);
  const { identity } = row();
  const window = {
    pid: identity.pid,
    identity: chance.is(0.5) ? `${identity.bootId}:${identity.pidNamespace}:${identity.pid}:${identity.start}` : hostileText(chance),
  };
  tree.put(
    join(state, 'requests', `${request}.json`),
    JSON.stringify({
      schema: 1,
      id: request,
      window,
      verb: 'stop',
      instance: hostileText(chance).slice(0, 4_000),
      by: hostileText(chance),
    }),
  );
  tree.put(join(state, 'requests', hostileFileName(chance)), JSON.stringify(hostileValue(chance)) ?? '');
  const folders = [project, chance.pick(['/', '/proc', '/dev', hostileText(chance)]), hostileText(chance)];
  tree.put(
    join(state, 'windows', `${identity.pid}-x.json`),
    JSON.stringify({
      schema: 1,
      identity,
      folders,
      workspaceFiles: [chance.pick(['/dev/zero', hostileText(chance)])],
      userDirs: [chance.pick([home, '/', hostileText(chance)])],
    }),
  );
  const by = row().identity;
  tree.put(
    join(state, 'scanner', 'snapshot.json'),
    JSON.stringify({
      by,
      version: '0.1.0',
      snapshot: {
        schema: snapshotSchema,
        at: hostileText(chance),
        clients: hostileValue(chance),
        definitions: [],
        instances: hostileValue(chance),
        problems: [],
      },
    }),
  );
  for (const part of ['registry', 'updates', 'notified', 'confirmed', 'backups'] as const) {
    if (chance.is(0.3)) {
      tree.put(join(state, part, hostileFileName(chance)), JSON.stringify(hostileValue(chance)) ?? '');
    }
  }
}

/** A run folder that another program of the user, or another user, has written. @param rows processes that its files may name */
export function putRunFolder(tree: HostileTree, rows: readonly ProcessRow[]): readonly Claimed[] {
  const { chance, runDir } = tree;
  if (chance.is(0.04)) {
    tree.openFolder(
      chance.pick([
        runDir,
        join(runDir, 'v1'),
        join(runDir, 'v1', 'instances'),
        join(runDir, 'shepherd'),
        join(runDir, 'shepherd', 'facts'),
        join(runDir, 'shepherd', 'history'),
      ]),
    );
  }
  const claimed: Claimed[] = [];
  for (const key of chance.some(4, () => chance.hex(32))) {
    const id = chance.hex(32);
    tree.put(join(runDir, 'v1', 'instances', `${id}.json`), recordText(tree, id, key, rows));
    claimed.push({ id, key });
    if (chance.is(0.6)) {
      tree.put(join(runDir, 'v1', 'locks', `${key}.lock`), '');
    }
    if (chance.is(0.4)) {
      tree.put(join(runDir, 'v1', 'instances', `${id}.lock`), hostileText(chance));
      tree.put(join(runDir, 'v1', 'instances', `${id}.secret`), chance.secret());
    }
    if (chance.is(0.4)) {
      tree.put(
        join(runDir, 'v1', 'intents', `${key}.json`),
        JSON.stringify({ by: hostileText(chance), ...markOf(chance, rows), verb: 'stop', since: hostileText(chance) }),
      );
      tree.put(join(runDir, 'v1', 'intents', `${key}.lock`), '');
    }
  }
  tree.put(join(runDir, 'v1', 'instances', `${hostileFileName(chance)}.json`), '{}');
  putState(tree, rows);
  return claimed;
}
