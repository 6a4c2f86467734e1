import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { refusalCodes, verbs } from '../../../src/lock/control/controlMessages.ts';
import { parseInstanceRecord } from '../../../src/lock/instanceRecord.ts';
import { hashKey, type ResourceKind } from '../../../src/lock/resourceKey.ts';

/** The document and the code agree. */
describe('docs/instance-lock-protocol.md', () => {
  const text = readFileSync('docs/instance-lock-protocol.md', 'utf8');

  it('shows a record that is one', () => {
    const record = /```json\n([\s\S]*?)```/.exec(text)?.[1] ?? '';
    const { id } = JSON.parse(record);
    assert.equal(parseInstanceRecord(id, record).status, 'ok', JSON.stringify(parseInstanceRecord(id, record)));
  });

  it('gives the keys that are used', () => {
    const rows = [...text.matchAll(/^\| (path|port|name) `([^`]+)` \| `([0-9a-f]{32})` \|$/gm)];
    assert.equal(rows.length, 3);
    for (const [, kind, name = '', key] of rows) {
      assert.equal(hashKey(kind as ResourceKind, name), key);
    }
  });

  it('names every verb and every code of the control endpoint', () => {
    for (const word of [...verbs, ...refusalCodes]) {
      assert.ok(text.includes(`\`${word}\``), word);
    }
  });

  it('numbers its tests from 1 to 34', () => {
    const list = text.slice(text.indexOf('## 15.'));
    const numbers = [...list.matchAll(/(?:^|[.] )(\d+)[.] [A-Z1]/gm)].map((match) => Number(match[1]));
    assert.deepEqual(
      numbers,
      Array.from({ length: 34 }, (_, index) => index + 1),
    );
  });
});
