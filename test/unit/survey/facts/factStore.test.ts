import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identityKey, type ProcessIdentity } from '../../../../src/model/process.ts';
import { FactStore } from '../../../../src/survey/facts/factStore.ts';
import { assertNames } from '../../../names.ts';

const now = Date.now();

function identity(pid: number, over: Partial<ProcessIdentity> = {}): ProcessIdentity {
  return { bootId: 'boot', pidNamespace: '1', pid, start: `lx:${pid}`, ...over };
}

describe('facts', () => {
  let runDir: string;
  const folder = () => join(runDir, 'shepherd', 'facts');
  beforeEach(() => {
    runDir = mkdtempSync(join(tmpdir(), 'facts-'));
  });
  afterEach(() => rmSync(runDir, { recursive: true, force: true }));

  const baseline = (version: string) => ({
    takenAt: now,
    trust: 'before-start' as const,
    packages: [{ ecosystem: 'npm' as const, name: 'x', version, root: '/x' }],
  });

  it('are known to another observer, and the first one stands', () => {
    const first = new FactStore(runDir);
    const second = new FactStore(runDir);
    assert.equal(second.baseline(identity(5)), undefined);
    first.recordBaseline(identity(5), baseline('1.0.0'));
    assert.equal(second.recordBaseline(identity(5), baseline('2.0.0')).packages[0]?.version, '1.0.0');
    assert.equal(new FactStore(runDir).baseline(identity(5))?.packages[0]?.version, '1.0.0');
  });

  it('of a kind are read once each, however often the folder changes', () => {
    const entry = { takenAt: now, definition: 'd', print: { command: null, args: [], env: {} } };
    const reader = new FactStore(runDir);
    reader.recordFact(identity(5), 'entry', entry);
    reader.look();
    assert.equal(reader.known('entry').size, 1);
    for (const name of readdirSync(folder())) {
      writeFileSync(join(folder(), name), 'not read again');
    }
    new FactStore(runDir).recordFact(identity(6), 'entry', entry);
    utimesSync(folder(), new Date(now + 5_000), new Date(now + 5_000));
    reader.look();
    assert.equal(reader.known('entry').size, 2);
  });

  it('that were not there are found as soon as another observer has written them', () => {
    const entry = { takenAt: now, definition: 'd', print: { command: null, args: [], env: {} } };
    const reader = new FactStore(runDir);
    const writer = new FactStore(runDir);
    writer.recordFact(identity(4), 'entry', entry);
    const settled = new Date(now - 60_000);
    utimesSync(folder(), settled, settled);
    assert.equal(reader.fact(identity(5), 'entry'), undefined);
    assert.equal(reader.fact(identity(5), 'entry'), undefined, 'from memory');
    writer.recordFact(identity(5), 'entry', entry);
    assert.equal(reader.fact(identity(5), 'entry')?.definition, 'd');
  });

  it('are asked for once in a scan: what another observer records meanwhile, the next scan finds, and a fact that is recorded twice keeps its first value', () => {
    const entry = (definition: string) => ({ takenAt: now, definition, print: { command: null, args: [], env: {} } });
    const reader = new FactStore(runDir);
    const writer = new FactStore(runDir);
    writer.recordFact(identity(4), 'entry', entry('d'));
    const settled = new Date(now - 60_000);
    utimesSync(folder(), settled, settled);
    reader.look();
    assert.deepEqual(
      [reader.fact(identity(5), 'entry'), reader.fact(identity(6), 'entry'), reader.known('entry').size],
      [undefined, undefined, 1],
    );
    writer.recordFact(identity(5), 'entry', entry('first'));
    writer.recordFact(identity(6), 'entry', entry('first'));
    assert.deepEqual([reader.fact(identity(5), 'entry'), reader.known('entry').size], [undefined, 1], 'the same scan');
    assert.equal(reader.recordFact(identity(6), 'entry', entry('second')).definition, 'first');
    reader.look();
    assert.equal(reader.fact(identity(5), 'entry')?.definition, 'first');
    assert.equal(reader.known('entry').size, 3);
  });

  it('live as long as the observer where none can be kept, and it says why', () => {
    const file = join(runDir, 'no-folder');
    writeFileSync(file, '');
    const store = new FactStore(file);
    assertNames(store.problem()?.message, 'no-folder');
    assert.equal(store.firstSeen(identity(5), now, undefined).firstSeenAt, now);
    assert.equal(store.firstSeen(identity(5), now + 9, undefined).firstSeenAt, now);
    assert.equal(store.recordBaseline(identity(5), baseline('1.0.0')).packages[0]?.version, '1.0.0');
    assert.equal(store.baseline(identity(5))?.packages[0]?.version, '1.0.0');
    store.forget({ bootId: 'boot', pidNamespace: '1' }, new Set(), now);
    assert.equal(new FactStore(runDir).problem(), undefined);
  });

  it('are of one process: the same PID with another start has none', () => {
    const store = new FactStore(runDir);
    store.recordBaseline(identity(5), baseline('1.0.0'));
    assert.equal(store.baseline(identity(5, { start: 'lx:99' })), undefined);
    assert.equal(store.baseline(identity(5, { bootId: 'later' })), undefined);
  });

  it('remember the client of the first sighting', () => {
    const client = { id: 'claude-code', name: 'Claude Code', identity: identity(2) };
    new FactStore(runDir).firstSeen(identity(5), now, client);
    assert.deepEqual(new FactStore(runDir).firstSeen(identity(5), now + 5, undefined).client, client);
  });

  it('date a sighting by the first scan of any observer, one for each kind, as long as the process runs', () => {
    const store = new FactStore(runDir);
    assert.equal(store.firstSeenAt(identity(5), 'stale', '2.0.0', now), now);
    assert.equal(store.firstSeenAt(identity(5), 'stale', '2.0.0', now + 9), now);
    assert.equal(new FactStore(runDir).firstSeenAt(identity(5), 'stale', '2.0.0', now + 10), now);
    assert.equal(store.firstSeenAt(identity(5), 'other', '2.0.0', now + 11), now + 11);
    assert.equal(store.firstSeenAt(identity(6), 'stale', '2.0.0', now + 12), now + 12);
    const old = new Date(now - 120_000);
    for (const name of readdirSync(folder())) {
      utimesSync(join(folder(), name), old, old);
    }
    store.forget({ bootId: 'boot', pidNamespace: '1' }, new Set([identityKey(identity(6))]), now);
    assert.equal(readdirSync(folder()).length, 1);
    assert.deepEqual(
      [store.firstSeenAt(identity(5), 'stale', '2.0.0', now + 20), store.firstSeenAt(identity(6), 'stale', '2.0.0', now + 20)],
      [now + 20, now + 12],
    );
    writeFileSync(join(runDir, 'no-folder'), '');
    const homeless = new FactStore(join(runDir, 'no-folder'));
    homeless.firstSeenAt(identity(5), 'stale', '2.0.0', now);
    assert.equal(homeless.firstSeenAt(identity(5), 'stale', '2.0.0', now + 9), now, 'kept in memory');
  });

  it('keep one sighting of each kind, whatever a process makes of its version', () => {
    const store = new FactStore(runDir);
    for (let round = 0; round < 50; round++) {
      assert.equal(store.firstSeenAt(identity(5), 'stale', `1.0.${round}`, now + round), now + round);
    }
    assert.equal(new FactStore(runDir).firstSeenAt(identity(5), 'stale', '1.0.49', now + 60), now + 49);
    assert.equal(readdirSync(folder()).length, 1);
  });

  it('are private to the user', () => {
    new FactStore(runDir).recordBaseline(identity(5), baseline('1.0.0'));
    for (const name of readdirSync(folder())) {
      assert.equal(statSync(join(folder(), name)).mode & 0o077, 0);
    }
    assert.equal(statSync(folder()).mode & 0o077, 0);
  });

  for (const [what, spoil] of [
    ['garbage', (file: string) => writeFileSync(file, '{"schema":1')],
    ['another shape', (file: string) => writeFileSync(file, '{"schema":1,"packages":"all"}')],
    ['another process', (file: string) => writeFileSync(file, readFileSync(file, 'utf8').replace('lx:5', 'lx:6'))],
    [
      'a time that is no date',
      (file: string) => writeFileSync(file, readFileSync(file, 'utf8').replace(/"takenAt":\d+/, '"takenAt":8640000000000001')),
    ],
    ['a future schema', (file: string) => writeFileSync(file, readFileSync(file, 'utf8').replace('"schema":1', '"schema":2'))],
    [
      'a link',
      (file: string) => {
        writeFileSync(`${file}.real`, readFileSync(file));
        rmSync(file);
        symlinkSync(`${file}.real`, file);
      },
    ],
  ] as const) {
    it(`do not believe a record that holds ${what}`, () => {
      new FactStore(runDir).recordBaseline(identity(5), baseline('1.0.0'));
      const [name = ''] = readdirSync(folder());
      spoil(join(folder(), name));
      assert.equal(new FactStore(runDir).baseline(identity(5)), undefined);
    });
  }

  it('forget the dead, and keep the living, the young and those of other boots', () => {
    const store = new FactStore(runDir);
    for (const one of [identity(5), identity(6), identity(7, { bootId: 'other' })]) {
      store.recordBaseline(one, baseline('1.0.0'));
    }
    const old = (now - 120_000) / 1_000;
    for (const name of readdirSync(folder())) {
      utimesSync(join(folder(), name), old, old);
    }
    store.recordBaseline(identity(8), baseline('1.0.0'));
    store.forget({ bootId: 'boot', pidNamespace: '1' }, new Set([identityKey(identity(5))]), now);
    assert.ok(store.baseline(identity(5)));
    assert.equal(store.baseline(identity(6)), undefined);
    assert.ok(store.baseline(identity(7, { bootId: 'other' })));
    assert.ok(store.baseline(identity(8)));
  });
});
