import assert from 'node:assert/strict';
import { EventTracker } from '../../../../../src/guard/http/session/eventTracker.ts';
import { type MessageHead, MessageHeadScanner } from '../../../../../src/guard/http/transport/messageScanner.ts';

/** In pieces of every size, so that every boundary is met. */
function headOf(text: string): (MessageHead | undefined)[] {
  const bytes = Buffer.from(text);
  return [1, 2, 3, 7, bytes.length].map((size) => {
    const scanner = new MessageHeadScanner();
    for (let at = 0; at < bytes.length; at += size) {
      scanner.push(bytes.subarray(at, at + size));
    }
    return scanner.end();
  });
}

function all(head: MessageHead | undefined): (MessageHead | undefined)[] {
  return [1, 2, 3, 4, 5].map(() => head);
}

describe('MessageHeadScanner', () => {
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

describe('EventTracker', () => {
  function follow(text: string, size: number): { readonly heads: MessageHead[]; readonly ids: string[]; readonly tracker: EventTracker } {
    const heads: MessageHead[] = [];
    const ids: string[] = [];
    const tracker = new EventTracker({ message: (head) => heads.push(head), id: (id) => ids.push(id) });
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += size) {
      tracker.push(bytes.subarray(at, at + size));
    }
    return { heads, ids, tracker };
  }

  for (const size of [1, 2, 5, 1000]) {
    it(`reads ids, types and messages in pieces of ${size}`, () => {
      const text =
        ': hello\n\nid: 1\nevent: message\ndata: {"id":1,"result":{}}\n\nevent: other\ndata: {"id":2,"result":{}}\n\r\nid:2\r\ndata:{"id":3,\r\ndata: "result":{}}\r\n\r\nretry: 10\n\n';
      const { heads, ids, tracker } = follow(text, size);
      assert.deepEqual(
        heads.map(({ id }) => id),
        [1, 3],
      );
      assert.deepEqual(ids, ['1', '2']);
      assert.equal(tracker.lastId, '2');
      assert.equal(tracker.atBoundary, true);
      assert.equal(tracker.closing, '');
    });
  }

  it('makes what was cut into an event that nobody listens to, with the id from before', () => {
    for (const cut of ['data: {"id"', 'da', 'id: 9', 'event: message\n', 'data: x\n']) {
      const { tracker } = follow(`id: 1\ndata: {}\n\n${cut}`, 3);
      assert.equal(tracker.atBoundary, false);
      const after = follow(`id: 1\ndata: {}\n\n${cut}${tracker.closing}data: {"id":4,"result":1}\n\n`, 3);
      assert.deepEqual(
        after.heads.map(({ id }) => id),
        [undefined, 4],
        cut,
      );
      assert.equal(after.tracker.lastId, '1');
    }
  });
});
