import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { englishWords, pseudo } from '../pseudoLanguage.ts';

describe('The pseudo-language of the tests', () => {
  it('changes every letter, and keeps places, icons, links and names of settings', () => {
    assert.equal(pseudo('Stop {0} (PID {1})?'), 'Šţöþ {0} (ÞÎÐ {1})?');
    assert.equal(pseudo('$(eye) See.\n[Open](command:a.b) `#x.y#`'), '$(eye) Šéé.\n[Öþéñ](command:a.b) `#x.y#`');
    assert.equal(new Set(pseudo('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz')).size, 52);
  });

  it('shows what is still English', () => {
    assert.deepEqual(englishWords(`${pseudo('Restart needed')} 1.0.0 → 2.0.0 · ~/.vscode/mcp.json`, []), []);
    assert.deepEqual(englishWords(`${pseudo('Stop')} notes, this window`, ['notes']), ['this', 'window']);
  });
});
