import assert from 'node:assert/strict';
import { judgeCopies, type LivingCopy, type ServerWork } from '../../../src/diagnosis/copies.ts';
import { isHeadline } from '../../../src/model/finding.ts';
import { assertNames } from '../../names.ts';

const hour = 3_600_000;
const now = 100 * hour;
const megabyte = 1024 ** 2;
const limits = { copies: 10, memoryBytes: 1024 * megabyte };
const idle: ServerWork = { state: 'idle', quietMs: 3.5 * hour, quietSince: now - 3.5 * hour, processorMs: 420 };
const worked: ServerWork = { state: 'worked', quietMs: 60_000, quietSince: now - 60_000, processorMs: 900 };
const unknown: ServerWork = { state: 'unknown', quietMs: 0, quietSince: now, processorMs: 420 };

/** The higher the number, the younger: copy 1 is the oldest, and each is five minutes younger than the one before. */
function copy(number: number, over: Partial<LivingCopy> = {}): LivingCopy {
  return {
    id: `id-${number}`,
    pid: number,
    startedAt: now - 20 * hour + number * 300_000,
    name: 'memory',
    client: { identity: 'boot:ns:50:lx:1', name: 'Codex', pid: 50 },
    copiesByDesign: 'Codex starts one copy for each thread.',
    sameness: 'same',
    copySet: 'memory',
    observations: 2,
    firstSeenAt: now - 20 * hour,
    memoryBytes: 90 * megabyte,
    actions: [],
    work: idle,
    ...over,
  };
}

const many = (count: number, over: Partial<LivingCopy> = {}): LivingCopy[] => Array.from({ length: count }, (_, at) => copy(at + 1, over));
const judge = (copies: readonly LivingCopy[]) => judgeCopies(copies, new Map(), limits, now).findings;
const headlines = (copies: readonly LivingCopy[]): string[] => [...judge(copies)].flatMap(([id, one]) => (isHeadline(one) ? [id] : []));

describe('copies', () => {
  it('tells each idle copy but the newest, with its process, its processor time, its memory and its group', () => {
    const found = judge(many(12));
    assert.equal(found.size, 11);
    assert.equal(found.has('id-12'), false);
    const finding = found.get('id-3');
    assert.deepEqual(
      [finding?.kind, finding?.confidence, finding?.minor, finding?.since, finding?.actions],
      ['copies', 'likely', undefined, new Date(idle.quietSince).toISOString(), [{ kind: 'end' }]],
    );
    assertNames(finding?.message, 'Codex', 'PID 50', 'memory', '12 times', '11', '3 h', '990 MB');
    assertNames(finding?.evidence.join('\n'), 'PID 3,', '0.42 s', '90 MB', 'copy 3 of 12');
    assert.equal(new Set([...found.values()].map(({ message }) => message)).size, 1);
  });

  it('counts from ten idle copies on, or from one gigabyte on; below that it is information', () => {
    assert.equal(headlines(many(11)).length, 10);
    assert.deepEqual([judge(many(10)).size, headlines(many(10))], [9, []]);
    assert.equal(headlines(many(4, { memoryBytes: 400 * megabyte })).length, 3);
    assert.deepEqual(
      [...judge(many(4)).values()].map(({ minor }) => minor),
      [true, true, true],
    );
  });

  const none: [string, LivingCopy[]][] = [
    ['three copies', many(3)],
    ['four copies of which one is younger than ten minutes', [...many(3), copy(4, { startedAt: now - 300_000 })]],
    [
      'copies of several client processes',
      [1, 2, 3, 4].map((at) => copy(at, { client: { identity: `client ${at}`, name: 'Codex', pid: at } })),
    ],
    ['copies in directories of their own, where that is the rule', [1, 2, 3, 4].map((at) => copy(at, { copySet: `directory ${at}` }))],
    ['copies for windows, which cannot be counted', many(12).map(({ copySet: _, ...rest }) => rest)],
    ['copies whose client is gone', many(12, { client: undefined })],
    ['copies that all worked', many(12, { work: worked })],
    [
      'copies that are younger than an hour',
      many(12).map((one, at) => ({ ...one, startedAt: now - 3_000_000 + at * 60_000, work: unknown })),
    ],
  ];
  for (const [what, copies] of none) {
    it(`is silent about ${what}`, () => assert.equal(judge(copies).size, 0));
  }

  /** One server of a thread. */
  const of = (pid: number, entry: string, startedAt: number): LivingCopy => copy(pid, { name: entry, copySet: entry, startedAt });
  const kept = (copies: readonly LivingCopy[]): string[] => {
    const found = judge(copies);
    return copies.flatMap(({ id, name }) => (found.has(id) ? [] : [`${name} ${id}`])).sort();
  };
  const start = now - 2 * hour;

  it('tells what a client leaves that restores its threads: one thread never has two copies of one entry', () => {
    // Twelve threads within three seconds, one after the other, and all at the same moment.
    const threads = Array.from({ length: 12 }, (_, at) => [
      of(100 + 2 * at, 'notes', start + at * 250),
      of(101 + 2 * at, 'files', start + at * 250 + 20),
    ]);
    assert.deepEqual(kept(threads.flat()), ['files id-123', 'notes id-122']);
    assertNames(judge(threads.flat()).get('id-100')?.evidence.join('\n'), 'copy 1 of 12', '11 others');
    assert.deepEqual(kept(many(12, { startedAt: start })), ['memory id-12']);
  });

  it('leaves all servers of the newest thread alone, also where threads were started at the same time', () => {
    const older = [1, 2, 3].flatMap((at) => [of(at, 'notes', start - at * hour), of(10 + at, 'files', start - at * hour)]);
    // Of two threads: the first asks for notes first and gets files last.
    const mixed = [of(20, 'notes', start), of(21, 'notes', start + 10), of(22, 'files', start + 20), of(23, 'files', start + 30)];
    assert.deepEqual(kept([...older, ...mixed]), ['files id-22', 'files id-23', 'notes id-21']);
    // One server of an older thread was started again an hour after the newest thread.
    const again = [of(20, 'notes', start), of(21, 'files', start + 4_000), of(30, 'notes', start + 3_000_000)];
    assert.deepEqual(kept([...older, ...again]), ['files id-21', 'notes id-20', 'notes id-30']);
    // What was started more than five seconds before belongs to another thread.
    const apart = [of(20, 'notes', start), of(21, 'files', start + 5_001), of(30, 'notes', start + 3_000_000)];
    assert.deepEqual(kept([...older, ...apart]), ['files id-21', 'notes id-30']);
  });

  it('has no finding for a copy that worked, and counts for nothing while an older one works', () => {
    const copies = [...many(14), copy(2, { work: worked })].filter((_, at) => at !== 1);
    assert.equal(judge(copies).has('id-2'), false);
    assert.deepEqual([judge(copies).size, headlines(copies)], [12, []]);
  });

  it('says once that it is unknown where nothing was watched for an hour', () => {
    const found = judge(many(12, { work: unknown }));
    assert.deepEqual(
      [...found].map(([id, { confidence }]) => [id, confidence]),
      [['id-1', 'unknown']],
    );
    assertNames(found.get('id-1')?.message, 'Codex', 'PID 50', 'memory', '12 times');
  });

  it('is no second finding beside a duplicate', () => {
    const copies = many(12);
    const duplicates = new Map([...judge(copies)].slice(0, 9));
    assert.equal(judgeCopies(copies, duplicates, limits, now).findings.size, 0);
  });

  it('stays quick and small with 2,400 copies', () => {
    const found = judge(many(2_400).map((one) => ({ ...one, startedAt: now - 50 * hour + one.pid * 6_000 })));
    assert.equal(found.size, 2_399);
    assert.equal(judge(many(2_400, { startedAt: start })).size, 2_399);
    assert.ok(JSON.stringify([...found]).length < 2_400 * 1_200);
  });
});
