import assert from 'node:assert/strict';
import { type MessageHead, MessageScanner } from '../../../../src/guard/message/messageScanner.ts';

/** Reads a text in chunks of several sizes, so that every boundary occurs. */
function headOf(text: string): (MessageHead | undefined)[] {
  const bytes = Buffer.from(text);
  return [1, 2, 3, 7, bytes.length].map((size) => {
    const scanner = new MessageScanner();
    for (let at = 0; at < bytes.length; at += size) {
      scanner.push(bytes.subarray(at, at + size));
    }
    return scanner.end();
  });
}

function all(head: MessageHead | undefined): (MessageHead | undefined)[] {
  return [1, 2, 3, 4, 5].map(() => head);
}

describe('MessageScanner', () => {
  for (const [text, head] of [
    ['{"jsonrpc":"2.0","id":1,"method":"ping"}', { id: 1, method: 'ping', answers: false }],
    ['{"result":{"id":9,"method":"no","error":{}},"jsonrpc":"2.0","id":"a"}', { id: 'a', method: undefined, answers: true }],
    [' { "id" : 12 , "error" : { "code" : -1 } } ', { id: 12, method: undefined, answers: true }],
    ['{"method":"notifications/x","params":{"text":"\\"id\\":3, \\\\"}}', { id: undefined, method: 'notifications/x', answers: false }],
    ['{"a":"\\\\","id":"q\\"}","result":null}', { id: 'q"}', method: undefined, answers: true }],
    ['{"a":["id",{"id":1}],"b":"id","method":"m"}', { id: undefined, method: 'm', answers: false }],
    ['{"id":"gr\u00fc\u00dfe \ud83d\ude00","result":[]}', { id: 'gr\u00fc\u00dfe \ud83d\ude00', method: undefined, answers: true }],
    ['{"\\u0069d":5,"result":{}}', { id: 5, method: undefined, answers: true }],
    ['{"id":null,"error":{}}', { id: undefined, method: undefined, answers: true }],
    ['{}', { id: undefined, method: undefined, answers: false }],
  ] as const) {
    it(text, () => assert.deepEqual(headOf(text), all(head)));
  }

  it('knows neither a list nor what is no JSON', () => {
    assert.deepEqual(headOf('[{"id":1,"result":{}}]'), all(undefined));
    assert.deepEqual(headOf(''), all(undefined));
    assert.deepEqual(headOf('no json'), all(undefined));
  });

  it('agrees with JSON.parse on random messages', () => {
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed % below;
    };
    const value = (depth: number): unknown =>
      [
        () => random(1000),
        () => '"\\{}[],:'.repeat(random(4)),
        () => null,
        () => true,
        () => (depth > 3 ? 0 : [value(depth + 1), value(depth + 1)]),
        () => (depth > 3 ? {} : { id: value(depth + 1), result: value(depth + 1) }),
      ][random(6)]?.();
    for (let round = 0; round < 500; round += 1) {
      const message = { [['id', 'a', 'x'][random(3)] ?? '']: random(99), ['result'.slice(random(2))]: value(0), method: `m${random(9)}` };
      const expected = { id: 'id' in message ? message.id : undefined, method: message.method, answers: 'result' in message };
      assert.deepEqual(headOf(JSON.stringify(message, undefined, random(3))), all(expected as MessageHead), JSON.stringify(message));
    }
  });
});
