import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AnswerFile, type KeptAnswers } from '../../../../src/guard/lazy/answerFile.ts';
import { StartAnswers } from '../../../../src/guard/lazy/startAnswers.ts';
import { SessionMemory } from '../../../../src/guard/relay/sessionMemory.ts';

describe('What is kept of a server that is started lazily', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'start-answers-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** A start that was answered to `initialize`. @param memory measures the server */
  function started(memory: () => Promise<number | undefined>): { readonly file: AnswerFile; readonly answers: StartAnswers } {
    const file = new AnswerFile(join(folder, 'a.json'));
    const answers = new StartAnswers({
      relay: { memory: new SessionMemory(), current: undefined },
      file,
      secret: 's',
      launch: 'l',
      code: () => ({ code: 'c' }),
      memory,
      say: assert.fail,
    });
    answers.starting();
    answers.keep('client', 'initialize', { protocolVersion: '1' });
    return { file, answers };
  }

  /** The file after one start with these answers to `tools/list`. */
  async function keptOf(pages: readonly (readonly [cursor: string, text: string])[]): Promise<KeptAnswers> {
    const { file, answers } = started(async () => undefined);
    for (const [cursor, text] of pages) {
      answers.keep('client', answers.request('tools/list', { cursor }), { tools: [{ name: text }] });
    }
    await answers.write(false);
    return file.read();
  }

  const requests = (kept: KeptAnswers): string[] => (kept.sets[0]?.answers ?? []).map(({ request }) => request);

  it('is in the file when the session ends while the memory is measured, which comes later', async () => {
    let tell = (_bytes: number): void => assert.fail('not measured');
    const { file, answers } = started(() => new Promise((resolve) => (tell = resolve)));
    const first = answers.write(true);
    // The session ends.
    await answers.write(false);
    assert.deepEqual([requests(file.read()), file.read().memoryBytes], [['initialize'], undefined]);
    tell(7);
    await first;
    assert.deepEqual([requests(file.read()), file.read().memoryBytes], [['initialize'], 7]);
  });

  it('is the handshake and the first pages, of a server that gives pages without end', async () => {
    const kept = requests(await keptOf(Array.from({ length: 5_000 }, (_, index) => [String(index), 'tool'] as const)));
    assert.deepEqual([kept.length, kept[0], kept.at(-1)], [200, 'initialize', 'tools/list {"cursor":"198"}']);
  });

  it('is the handshake, of a server whose cursors or answers are larger than the file', async () => {
    assert.deepEqual(requests(await keptOf([['c'.repeat(3_000), 'tool']])), ['initialize']);
    rmSync(join(folder, 'a.json'));
    const large = Array.from({ length: 40 }, (_, index) => [String(index), 'x'.repeat(100_000)] as const);
    const kept = requests(await keptOf(large));
    assert.ok(kept[0] === 'initialize' && kept.length > 5 && kept.length < 12, kept.join('\n'));
  });
});
