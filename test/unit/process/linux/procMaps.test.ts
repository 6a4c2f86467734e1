import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { deletedCode } from '../../../../src/process/linux/mappedCode.ts';

const maps = `7f0000000000-7f0000001000 r--p 00000000 08:01 42                 /v/site-packages/~ydantic core/_x.so (deleted)
7f0000001000-7f0000004000 r-xp 00001000 08:01 42                 /v/site-packages/~ydantic core/_x.so (deleted)
7f0000005000-7f0000006000 r-xp 00000000 08:01 43                 /usr/lib/libc.so.6
7f0000006000-7f0000007000 rw-s 00000000 00:01 44                 /memfd:runtime (deleted)
7f0000007000-7f0000008000 rw-s 00000000 00:01 45                 /dev/zero (deleted)
7f0000008000-7f0000009000 rw-s 00000000 00:01 46                 /SYSV00000000 (deleted)
7f0000009000-7f000000a000 r-xp 00000000 08:01 47                 /tmp/jna123.tmp (deleted)
7f000000a000-7f000000b000 r-xp 00000000 08:01 48                 /p/node_modules/.sqlite-AbCdEfGh/build/x.node (deleted)
7ffc00000000-7ffc00001000 rw-p 00000000 00:00 0                  [stack]
`;

describe('deleted native code in /proc/PID/maps', () => {
  it('is found with its pieces; memory files, JIT code and what is still there are not', () => {
    assert.deepEqual(deletedCode(maps), [
      {
        path: '/v/site-packages/~ydantic core/_x.so',
        pieces: [
          { executable: false, offset: 0, length: 0x1000 },
          { executable: true, offset: 0x1000, length: 0x3000 },
        ],
      },
      { path: '/p/node_modules/.sqlite-AbCdEfGh/build/x.node', pieces: [{ executable: true, offset: 0, length: 0x1000 }] },
    ]);
    assert.deepEqual(deletedCode(''), []);
  });
});
