import { equal } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createRedactor } from '../../../../src/redaction/redactor.ts';
import { shownResource } from '../../../../src/survey/records/joinRecords.ts';

describe('The resource of a lock in a sentence', () => {
  const redactor = createRedactor([]);
  for (const plain of ['/data/chroma db', 'C:\\data\\x', '127.0.0.1:8700', 'notes', '/srv/ünï/@scope/x,y']) {
    it(`stays as it is: ${plain}`, () => equal(shownResource(plain, redactor), plain));
  }
  it('is quoted, escaped and at most 64 characters long where it is any other text', () => {
    const shown = shownResource(`$(flame)[x](command:y)\u202e${'z'.repeat(4_000)}`, redactor);
    equal(shown.length, 66);
    equal(shown.startsWith('"$(flame)[x](command:y)\\u{202e}z'), true);
  });
});
