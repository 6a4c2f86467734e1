import assert from 'node:assert/strict';
import { createParser } from 'eventsource-parser';
import * as fc from 'fast-check';
import { EventTracker } from '../../../../../src/guard/http/session/eventTracker.ts';
import type { MessageHead } from '../../../../../src/guard/message/messageScanner.ts';

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

  it('completes a cut event under a type that no reader handles, with the id from before', () => {
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

  it('keeps ids whose characters come in two chunks', () => {
    for (const size of [1, 2, 3]) {
      assert.deepEqual(follow('id: grüße 😀\n\n', size).ids, ['grüße 😀']);
    }
  });

  it('follows another stream after one that was cut in the middle of an event', () => {
    const { heads, ids, tracker } = follow('id: 1\ndata: {"id":1,"re', 4);
    tracker.reset();
    assert.equal(tracker.atBoundary, true);
    tracker.push(Buffer.from('id: 2\ndata: {"id":2,"result":{}}\n\n'));
    assert.deepEqual(
      heads.map(({ id }) => id),
      [2],
    );
    assert.deepEqual(ids, ['2']);
  });

  it('agrees with eventsource-parser on random streams in random chunks', () => {
    const value = fc.constantFrom('', ' ', ' 1', 'a:b', ' ü😀', '\0', ' message', 'other');
    const line = fc.oneof(
      fc
        .tuple(fc.constantFrom('id', 'event', 'retry', ' id', 'ids', 'a-very-long-field-name', ''), value)
        .map(([name, text]) => `${name}:${text}`),
      fc.constantFrom('id', 'event', 'unknown', 'data'),
    );
    // The library tells nothing about an event without data, and ours keeps its id: each event here has some.
    const event = fc
      .tuple(fc.array(line), fc.nat(9), fc.array(line), fc.constantFrom('\n', '\r\n'))
      .map(([before, id, after, end]) =>
        [...before, `data: {"id":${id},"result":{}}`, ...after.filter((one) => one !== 'data'), '', ''].join(end),
      );
    void fc.assert(
      fc.property(fc.array(event), fc.integer({ min: 1, max: 20 }), (events, size) => {
        const text = events.join('');
        const ids: string[] = [];
        const messages: unknown[] = [];
        const parser = createParser({
          onEvent({ id, event: type = 'message', data }) {
            if (id !== undefined) {
              ids.push(id);
            }
            if (type === 'message') {
              messages.push(JSON.parse(data).id);
            }
          },
        });
        parser.feed(text);
        const ours = follow(text, size);
        assert.deepEqual(ours.ids, ids);
        assert.deepEqual(
          ours.heads.map(({ id }) => id),
          messages,
        );
        assert.equal(ours.tracker.atBoundary, true);
      }),
    );
  });
});
