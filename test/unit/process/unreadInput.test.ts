import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { parseSocketQueues, unreadInput } from '../../../src/process/unreadInput.ts';

/** Captured from ss of iproute2 6.1; the padding is shortened. */
const captured = [
  'u_str ESTAB  214    0       * 2037063 * 2037062',
  'u_str ESTAB  0      1280    * 2037062 * 2037063',
  'u_str LISTEN 3      128     /run/user/1000/bus 11111 * 0',
  'u_str ESTAB  17     0       /tmp/a path 99 with 22222 spaces.sock 33333 * 44444',
  'u_dgr UNCONN 55     0       * 55555 * 0',
  'garbage',
].join('\n');

describe('unreadInput', () => {
  it('parses the queues of connected streams, whatever their paths hold', () =>
    assert.deepEqual(
      [...parseSocketQueues(captured)],
      [
        ['2037063', 214],
        ['2037062', 0],
        ['33333', 17],
      ],
    ));

  it('leaves out what cannot be told, and asks nobody for nothing', async () => {
    const asked: string[] = [];
    const failing = async (file: string): Promise<string> => {
      asked.push(file);
      throw new Error('no such program');
    };
    assert.equal((await unreadInput([{ pid: 5, link: '/dev/null' }], failing)).size, 0);
    assert.deepEqual(asked, []);
    assert.equal((await unreadInput([{ pid: 5, link: 'socket:[2037063]' }], failing)).size, 0);
  });
});
