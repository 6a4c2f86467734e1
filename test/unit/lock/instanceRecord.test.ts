import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, it } from 'mocha';
import { parseInstanceRecord } from '../../../src/lock/instanceRecord.ts';
import { someId, someRecord } from './records.ts';

const validate = new Ajv().compile(JSON.parse(readFileSync('schema/instance-record.schema.json', 'utf8')));

/** The verdict of both the reader and the schema file. */
const cases: readonly [string, boolean, Record<string, unknown>][] = [
  ['a whole record', true, {}],
  ['unknown fields', true, { later: 1, x: { mine: [1] } }],
  ['no processes', true, { server: undefined }],
  ['a start that is unknown', true, { server: { pid: 5, start: '?' } }],
  ['PID 0', false, { server: { pid: 0, start: 'lx:1' } }],
  ['PID 1', false, { server: { pid: 1, start: 'lx:1' } }],
  ['PID −1', false, { guard: { pid: -1, start: 'lx:1' } }],
  ['PID as text', false, { server: { pid: '5', start: 'lx:1' } }],
  ['PID 2^53', false, { server: { pid: 2 ** 53, start: 'lx:1' } }],
  ['PID 5.5', false, { server: { pid: 5.5, start: 'lx:1' } }],
  ['a PID without start', false, { server: { pid: 5 } }],
  ['a start of nothing', false, { server: { pid: 5, start: 'yesterday' } }],
  ['a state of its own', false, { state: 'asleep' }],
  ['a key that is a path', false, { locks: [{ key: '../../etc/passwd', kind: 'path', resource: '/' }] }],
  ['no locks field', false, { locks: undefined }],
  ['65 locks', false, { locks: Array(65).fill({ key: 'f'.repeat(32), kind: 'name', resource: 'a' }) }],
  ['a NUL in a text', false, { serverId: 'a\0b' }],
  ['an escape sequence in a text', false, { serverId: '\u001b[2J' }],
  ['a text without end', false, { serverId: 'a'.repeat(5_000) }],
  ['dependency versions', true, { deps: { versions: { a: '1' } } }],
  ['dependency versions as a list', false, { deps: { versions: ['1'] } }],
];

describe('parseInstanceRecord', () => {
  for (const [name, good, changes] of cases) {
    it(`test 7: ${name} is ${good ? 'read' : 'unreadable'}, for the schema file as well`, () => {
      const text = JSON.stringify({ ...someRecord(), ...changes });
      assert.equal(parseInstanceRecord(someId, text).status, good ? 'ok' : 'unreadable');
      assert.equal(validate(JSON.parse(text)), good, JSON.stringify(validate.errors));
    });
  }

  it('test 7: what is no JSON object is unreadable, and never repeated', () => {
    for (const text of [
      '',
      '{',
      '{"ilp":1',
      'null',
      '[]',
      '1',
      '"x"',
      '{"ilp":1,"minReader":1,"id":"hunter2secret"}',
      '\0',
      '[['.repeat(30_000),
    ]) {
      const reading = parseInstanceRecord(someId, text);
      assert.equal(reading.status, 'unreadable', text.slice(0, 20));
      assert.ok(!JSON.stringify(reading).includes('hunter2'));
    }
  });

  it('test 7: a name that is not the id is unreadable', () =>
    assert.equal(parseInstanceRecord('f'.repeat(32), JSON.stringify(someRecord())).status, 'unreadable'));

  it('tests 7, 32: a later version is newer, whatever else it holds', () => {
    for (const later of [
      { ilp: 2, minReader: 2 },
      { ilp: 2, minReader: 1, id: 5 },
      { ilp: 1, minReader: 2 },
    ]) {
      assert.equal(parseInstanceRecord(someId, JSON.stringify(later)).status, 'newer');
    }
  });
});
