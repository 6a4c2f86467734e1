import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { evidenceText } from '../../../../src/extension/display/evidenceText.ts';
import { explanationOf } from '../../../../src/presentation/explanation.ts';
import { assertNames } from '../../../names.ts';
import { assertGolden } from '../../cli/golden.ts';
import { claude, definition, finding, here, instance, now, snapshot, stale } from '../samples.ts';

const text = (one: ReturnType<typeof stale>, changes = {}): string =>
  evidenceText(one, snapshot({ instances: [one], ...changes }), here, now);

/** Times are shown in the user's time zone and order of day and month. */
const timeless = (shown: string): string =>
  shown.replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'TIME').replace(/^As of .*?\d\d\. /m, 'As of TIME. ');

describe('The evidence document', () => {
  it('says what is wrong, how sure it is, how it is known and what to do', () => {
    assertGolden('evidence-stale', timeless(text(stale())), 'extension');
  });

  it('says what is not known, and why', () => {
    const shown = text(
      instance({ package: null, unknown: 'a binary without metadata', definitions: [], findings: [finding({ confidence: 'unknown' })] }),
    );
    assertGolden('evidence-unknown', timeless(shown), 'extension');
  });

  it('names the step in another client', () => {
    assertNames(text(stale({ client: claude })), '/mcp');
  });

  it('names environment variables without their values, and changed dependencies', () => {
    const changed = stale({ changedDependencies: [{ name: 'zod', running: '3.1.0', installed: '4.0.0', direction: 'upgrade' }] });
    const shown = text(changed, { definitions: [definition({ envNames: ['API_KEY'] })] });
    assertNames(shown, 'API_KEY');
    assertNames(shown, '3.1.0', '4.0.0');
  });

  it('holds the same lines as the command line tells', () => {
    const one = stale({
      evidence: {
        firstSeenAt: '2026-11-21T09:00:05Z',
        program: '/usr/bin/node',
        unreadable: [],
        match: { confidence: 'proven', why: ['its command line is the one of the entry (everything)'] },
        source: { entry: '/home/ann/api/x.js', how: 'from the script on its command line', editable: false, metadata: null, packages: 3 },
        baseline: { takenAt: '2026-11-21T09:00:05Z', trust: 'before-start', packages: 3, record: '/home/ann/.mcp-run/x.json' },
        compared: [],
      },
    });
    const shown = text(one).replace(/\s+/g, ' ');
    for (const section of explanationOf(one, snapshot({ instances: [one] }), {
      restart: '',
      home: here.home,
      owner: 'VS Code, this window',
    })) {
      for (const row of section.rows) {
        assert.ok(shown.includes(row.text), row.text);
      }
    }
  });

  it('breaks long lines and keeps hostile text on its own line', () => {
    const shown = text(stale({ command: `node ${'word '.repeat(100)}`, name: 'a\nStale (proven)\n\u202eb' }));
    assert.ok(shown.split('\n').every((line) => line.length <= 200));
    assert.equal(shown.split('\n').filter((line) => line === 'Stale (proven)').length, 1);
  });
});
