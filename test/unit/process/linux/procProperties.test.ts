import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { parseCmdline } from '../../../../src/process/linux/procCmdline.ts';
import { parseEnvironment } from '../../../../src/process/linux/procDetail.ts';
import { parseProcNetTcp, parseTcpSockets } from '../../../../src/process/linux/procNetTcp.ts';
import { parseProcStat } from '../../../../src/process/linux/procStat.ts';

/** Text that a program may choose: anything but NUL, often with what separates fields. */
const ownText = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({ maxLength, unit: fc.oneof(fc.constantFrom(' ', '(', ')', '\n', '-', '/', '1'), fc.string({ minLength: 1, maxLength: 1 })) });
const word = ownText(12).map((text) => text.replaceAll('\0', ''));
const count = fc.nat({ max: 2 ** 31 - 1 });

describe('parsers of /proc, by property', () => {
  it('stat: fields are found behind any name', () => {
    const fields = fc.tuple(fc.constantFrom('R', 'S', 'D', 'T', 'Z', 'X'), fc.array(count, { minLength: 49, maxLength: 49 }));
    fc.assert(
      fc.property(count, word, fields, (pid, name, [state, numbers]) => {
        // Field 4 of proc_pid_stat(5) is the first of the numbers.
        const field = (number: number): number => numbers[number - 4] ?? Number.NaN;
        const stat = parseProcStat(`${pid} (${name}) ${state} ${numbers.join(' ')}\n`);
        assert.deepEqual(
          [stat?.name, stat?.state, stat?.ppid, stat?.group, stat?.threads, stat?.startTicks, stat?.addressBytes, stat?.rssPages],
          [name, state, field(4), field(5), field(20), field(22), field(23), field(24)],
        );
      }),
    );
  });

  it('stat: any other text is refused or read, and never throws', () => {
    fc.assert(fc.property(ownText(60), (text) => assert.doesNotThrow(() => parseProcStat(text))));
  });

  it('cmdline: two or more words come back as they were given, empty ones too', () => {
    const words = fc.array(word, { minLength: 2, maxLength: 8 }).filter((list) => list.filter((one) => one !== '').length >= 2);
    fc.assert(
      fc.property(words, (argv) => {
        const read = parseCmdline(argv.map((one) => `${one}\0`).join(''));
        assert.deepEqual([read.argv, read.argvExact], [argv, true]);
      }),
    );
  });

  it('cmdline: a title is cut into its words, with any padding', () => {
    const titleWord = fc.string({ minLength: 1, maxLength: 8, unit: fc.constantFrom('a', 'Z', '-', ':', '/', '1', '@') });
    const title = fc.array(titleWord, { minLength: 2, maxLength: 6 }).filter(([first = '']) => !first.startsWith('/'));
    fc.assert(
      fc.property(title, fc.nat({ max: 5 }), (words, padding) => {
        const read = parseCmdline(words.join(' ') + '\0'.repeat(padding));
        assert.deepEqual([read.argv, read.argvExact], [words, false]);
      }),
    );
  });

  it('environ: every variable has the value of its first entry', () => {
    const name = fc.string({ minLength: 1, maxLength: 3, unit: fc.constantFrom('A', 'B', '_') });
    fc.assert(
      fc.property(fc.array(fc.tuple(name, word), { maxLength: 8 }), (entries) => {
        const read = parseEnvironment(entries.map((entry) => `${entry.join('=')}\0`).join(''));
        assert.deepEqual(Object.fromEntries(read), Object.fromEntries([...entries].reverse()));
      }),
    );
  });

  it('net/tcp and net/tcp6: addresses, ports and states in either byte order, and the same states by inode', () => {
    const byte = fc.nat({ max: 255 });
    const bytes = fc.oneof(fc.array(byte, { minLength: 4, maxLength: 4 }), fc.array(byte, { minLength: 16, maxLength: 16 }));
    const port = fc.nat({ max: 65_535 });
    const state = fc.constantFrom('01', '06', '07', '08', '0A');
    const line = fc.record({ local: bytes, port, remote: bytes, far: port, state, inode: fc.integer({ min: 1, max: 1e9 }) });
    const hex = (number: number, digits: number): string => number.toString(16).toUpperCase().padStart(digits, '0');
    const written = (address: readonly number[], little: boolean): string =>
      Array.from({ length: address.length / 4 }, (_, index) => {
        const four = address.slice(4 * index, 4 * index + 4);
        return (little ? four.reverse() : four).map((one) => hex(one, 2)).join('');
      }).join('');
    fc.assert(
      fc.property(fc.uniqueArray(line, { maxLength: 6, selector: ({ inode }) => inode }), fc.boolean(), (lines, little) => {
        const text = ['  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode']
          .concat(
            lines.map(
              (one, slot) =>
                `${String(slot).padStart(4)}: ${written(one.local, little)}:${hex(one.port, 4)} ${written(one.remote, little)}:${hex(one.far, 4)} ` +
                `${one.state} 00000000:00000000 00:00000000 00000000  1000        0 ${one.inode} 1 0000000000000000 100 0 0 10 0`,
            ),
          )
          .join('\n');
        const sockets = parseProcNetTcp(text, little);
        const states = parseTcpSockets(text);
        assert.deepEqual(
          sockets.map(({ localPort, remotePort, inode }) => [localPort, remotePort, inode]),
          lines.map((one) => [one.port, one.far, String(one.inode)]),
        );
        for (const [index, { localAddress, inode, state: read }] of sockets.entries()) {
          const address = lines[index]?.local ?? [];
          if (address.length === 4) {
            assert.equal(localAddress, address.join('.'));
          }
          assert.equal(states.get(inode), read);
        }
      }),
    );
  });
});
