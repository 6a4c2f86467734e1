import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { readYaml, yamlDocuments } from '../../../src/base/yaml.ts';
import { hangMs, processorTime } from '../processorTime.ts';

describe('yamlDocuments', () => {
  it('reads scalars as strings, in every form that YAML has for them', () => {
    const text = [
      'plain: https://a.example',
      'next:',
      '  https://b.example',
      'folded: >-',
      '  https://c.example',
      'quoted: "https:\\u002F\\/d.example"',
      'anchor: &e https://e.example',
      'alias: *e',
      'number: 1.10',
      'absent:',
      'all: &all { f: true }',
      'merged: { <<: *all, g: no }',
    ].join('\n');
    assert.deepEqual(yamlDocuments(text), [
      {
        plain: 'https://a.example',
        next: 'https://b.example',
        folded: 'https://c.example',
        quoted: 'https://d.example',
        anchor: 'https://e.example',
        alias: 'https://e.example',
        number: '1.10',
        absent: '',
        all: { f: 'true' },
        merged: { f: 'true', g: 'no' },
      },
    ]);
  });

  it('refuses control characters, which would make another key of `env`, and names their line', () => {
    const text = (odd: string): string => `{"command": "node",\n"args": [],${odd}"env": {"API_TOKEN": "s3cret"},}`;
    for (const odd of ['\0', '\x1b', '\x08']) {
      assert.equal(yamlDocuments(text(odd)), undefined);
      assert.deepEqual(readYaml(text(odd)), { line: 2 });
    }
    for (const blank of ['\t', '\r\n', ' ']) {
      assert.deepEqual(yamlDocuments(text(blank)), [{ command: 'node', args: [], env: { API_TOKEN: 's3cret' } }]);
      assert.ok('value' in readYaml(text(blank)));
    }
  });

  it('gives every document of a text, and the last value of a key', () => {
    assert.deepEqual(yamlDocuments('a: 1\n---\nb: 2\nb: 3\n'), [{ a: '1' }, { b: '3' }]);
    assert.deepEqual(yamlDocuments(''), []);
    assert.deepEqual(yamlDocuments('{ "a": ["b"] }'), [{ a: ['b'] }]);
  });

  it('refuses what is invalid or hostile, in a few seconds and without an exception', () => {
    const letters = [...'bcdefghij'];
    const bomb = letters.map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghi'[index]}`).join()}]`);
    const texts = {
      invalid: 'a: [1\n',
      tab: 'a:\n\tb: 1\n',
      'unknown alias': 'a: *b\n',
      'alias bomb': `a: &a [x, x]\n${bomb.join('\n')}\n`,
      'merge of itself': 'a: &a\n  <<: *a\n',
      'many anchors': Array.from({ length: 1_000 }, (_, index) => `k${index}: &a${index} v`).join('\n'),
      'deep flow': '['.repeat(20_000),
      'deep block': '- '.repeat(20_000),
      brackets: '[]'.repeat(20_000),
      large: '#\n'.repeat(700_000),
    };
    const limit = Error.stackTraceLimit;
    for (const [name, text] of Object.entries(texts)) {
      const began = processorTime();
      assert.equal(yamlDocuments(text), undefined, name);
      const spent = processorTime() - began;
      assert.ok(spent < hangMs, `${name}: ${spent} ms`);
    }
    assert.equal(Error.stackTraceLimit, limit);
  }).timeout(120_000);

  it('reads 40,000 keys of one map without the time growing with their square', () => {
    const text = Array.from({ length: 40_000 }, (_, index) => `k${index}: ${index}`).join('\n');
    const began = processorTime();
    assert.equal(Object.keys(yamlDocuments(text)?.[0] ?? {}).length, 40_000);
    // The check for duplicate keys that the library would do takes 23 s.
    assert.ok(processorTime() - began < hangMs);
  });
});
