import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import {
  asMarkdown,
  firstSentence,
  machineText,
  oneLine,
  shortName,
  withoutIcons,
  withoutLinks,
} from '../../../../src/extension/display/plainText.ts';

describe('Foreign text in the views', () => {
  it('is one bounded line without control characters and direction marks', () => {
    assert.equal(oneLine('a\nb\u202ec\u0007d'), 'a b c d');
    for (const code of [0x61c, 0xad, 0x180e, 0x200d, 0x206a, 0xfff9, 0xe0041, 0xfe0f, 0x3164, 0x2800, 0xd800]) {
      assert.equal(oneLine(`a${String.fromCodePoint(code)}b`), 'a b', code.toString(16));
    }
    assert.equal(oneLine('x'.repeat(20), 10), `${'x'.repeat(9)}…`);
  });

  it('keeps both ends of a long name, which differs from others of its owner at its end', () => {
    assert.equal(shortName('github'), 'github');
    assert.equal(shortName(`${'x'.repeat(35)}y`), `${'x'.repeat(35)}y`);
    const [a, b] = ['documentation', 'knowledge-graph'].map((end) => shortName(`com.example.enterprise.platform-team.${end}-server`));
    assert.notEqual(a, b);
    assert.equal(a?.length, 36);
    assert.ok(b?.endsWith('knowledge-graph-server'.slice(-21)), b);
  });

  it('is never empty where there is a text', () => {
    assert.deepEqual([oneLine('\u3164\u200b'), withoutIcons('\u2800'), oneLine('')], ['""', '""', '']);
  });

  it('makes no icon of $(name)', () => {
    assert.equal(withoutIcons('$(trash) files'), '$ (trash) files');
  });

  it('is cut after its first sentence where there is room for one, and a version is no end of a sentence', () => {
    assert.equal(
      firstSentence('tokens was restarted by its guard: PID 7 now, 2026.8.31. Its client keeps the session.'),
      'tokens was restarted by its guard: PID 7 now, 2026.8.31',
    );
    assert.equal(firstSentence('tokens stopped (PID 7)'), 'tokens stopped (PID 7)');
    assert.equal(firstSentence('It runs server.py 1.2.'), 'It runs server.py 1.2');
  });

  it('makes no link in a notification', () => {
    assert.equal(withoutLinks('see [here](command:workbench.action.quit)'), 'see [here] (command:workbench.action.quit)');
  });

  it('is literal in Markdown: no link, image, HTML, table cell, address or emphasis', () => {
    const marked = asMarkdown('a|b [x](command:y) <img src=z> **b** https://a.b `c` &amp; $(x)');
    // Everything that Markdown gives a meaning to stands behind a backslash.
    assert.doesNotMatch(marked, /(?<!\\)[|[\]()<>*`&$:]/);
    assert.equal(marked.replace(/\\(.)/g, '$1'), 'a|b [x](command:y) <img src=z> **b** https://a.b `c` &amp; $ (x)');
  });

  it('names the machine of a remote window, and none in a local one or in a browser, whose address says it', () => {
    assert.equal(machineText('ssh-remote', 'build-7'), 'on build-7 (ssh-remote)');
    assert.deepEqual([machineText(undefined, 'build-7'), machineText('localhost:8000', 'build-7')], [undefined, undefined]);
  });
});
