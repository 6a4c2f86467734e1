import assert from 'node:assert/strict';
import { FrameReader, frameBytes, greetingBytes, readGreeting } from '../../../src/relay/contract.ts';
import { keptIn, LineStream } from '../../../src/relay/lineStream.ts';

describe('the contract of relay and host', () => {
  const frames = [
    { kind: 'lines', name: '-', body: Buffer.from('{"a":1}\n') },
    { kind: 'commit', name: '-', body: Buffer.alloc(0) },
    { kind: 'keep', name: 'call.7', body: Buffer.from('a line\nand \0 more') },
    { kind: 'lines', name: '12', body: Buffer.alloc(100_000, 'x') },
  ];
  const bytes = Buffer.concat(frames.flatMap(({ kind, name, body }) => frameBytes(kind, name, body)));

  it('frames come out as they went in, however their bytes are cut', () => {
    for (const size of [1, 3, 7, 1_000, 65_536, bytes.length]) {
      const reader = new FrameReader();
      const read = [];
      for (let at = 0; at < bytes.length; at += size) {
        read.push(...reader.push(bytes.subarray(at, at + size)));
      }
      assert.deepEqual(
        read.map(({ kind, name, body }) => [kind, name, body.toString('latin1')]),
        frames.map(({ kind, name, body }) => [kind, name, body.toString('latin1')]),
        `${size} bytes at once`,
      );
    }
  });

  it('bytes that are no frames are refused: no header, another form, too long', () => {
    for (const text of ['GET / HTTP/1.1\r\n', 'x'.repeat(400), 'lines - -1\n', 'lines - 999999999\n', 'LINES - 1\nx', 'lines  1\nx']) {
      assert.throws(() => new FrameReader().push(Buffer.from(text)), text);
    }
  });

  it('a greeting holds words, variables and the ledger as they are', () => {
    const greeting = {
      ...{ secret: 's', pid: 7, ppid: 6, cwd: '/a b', ns: 'mnt:[1] pid:[2]' },
      args: ['--relay', '--', 'sh', '-c', 'a=b\nc', ''],
      env: { A: 'x=y', EMPTY: '', LINES: 'a\nb' },
      ledger: new Map([
        ['call.1', '["1","x y"]'],
        ['grace', ''],
      ]),
      servers: ['1 99 running', '2 98 signal SIGKILL'],
      canOpen: true,
    };
    assert.deepEqual(readGreeting(greetingBytes(greeting)), greeting);
    assert.equal(readGreeting(Buffer.from('secret=x\0pid=1')), undefined);
    assert.equal(readGreeting(Buffer.from('GET / HTTP/1.1')), undefined);
  });
});

describe('lines on their way to the host', () => {
  it('only whole lines leave, and are kept until the host has dealt with them', () => {
    const stream = new LineStream('1', () => undefined);
    const passed = ['a', 'b\nc\nd', 'e', '\n'].map((text) => stream.push(Buffer.from(text))?.bytes.toString());
    assert.deepEqual(passed, [undefined, 'ab\nc\n', undefined, 'de\n']);
    assert.deepEqual(
      stream.kept.map(({ bytes }) => `${bytes}`),
      ['ab\nc\n', 'de\n'],
    );
    stream.done(1);
    assert.deepEqual(
      stream.kept.map(({ bytes }) => `${bytes}`),
      ['de\n'],
    );
    // The next host counts from the first frame that it gets.
    stream.restart();
    stream.push(Buffer.from('rest'));
    assert.equal(stream.end()?.bytes.toString(), 'rest');
    stream.done(1);
    assert.deepEqual(
      stream.kept.map(({ bytes }) => `${bytes}`),
      ['rest'],
    );
  });

  it('lines pass the host once it allows that and has dealt with those before them; the next host has allowed nothing', () => {
    const stream = new LineStream('1', () => undefined);
    const frame = (text: string): string | undefined => stream.push(Buffer.from(text))?.frame.join(' ');
    assert.equal(frame('a\n'), 'lines 1');
    stream.direct = ['passed', '1'];
    assert.equal(frame('b\n'), 'lines 1', 'it would overtake the line before');
    stream.done(2);
    assert.equal(frame('c\n'), 'passed 1');
    assert.equal(frame('d\n'), 'passed 1');
    assert.equal(frame('e'), undefined);
    assert.equal(stream.kept.length, 2, 'the host hears of them');
    assert.equal(stream.end()?.frame[0], 'lines', 'a line that does not end');
    stream.restart();
    assert.equal(frame('f\n'), 'lines 1');
    assert.equal(stream.drop().toString(), 'ef\n', 'the client has the others');
  });

  it('the next host gets the lines of all sources in their order', () => {
    const [client, server] = [new LineStream('-', () => undefined), new LineStream('1', () => undefined)];
    client.direct = ['sent', '1'];
    server.direct = ['passed', '1'];
    for (const [stream, text] of [
      [client, 'a\n'],
      [server, 'b\n'],
      [client, 'c\n'],
      [client, 'rest'],
    ] as const) {
      stream.push(Buffer.from(text));
    }
    client.end();
    assert.deepEqual(
      keptIn([server, client]).map(({ frame, bytes }) => `${frame.join(' ')} ${bytes}`),
      ['sent 1 a\n', 'passed 1 b\n', 'sent 1 c\n', 'lines - rest'],
    );
  });

  it('a source whose lines pass the host is paused while the client is slow', () => {
    const paused: boolean[] = [];
    const stream = new LineStream('1', (now) => paused.push(now));
    stream.hold(true);
    stream.push(Buffer.from('a\n'));
    stream.done(1);
    stream.hold(false);
    assert.deepEqual(paused, [true, false]);
  });

  it('the source is paused while more than a window is under way', () => {
    const paused: boolean[] = [];
    const stream = new LineStream('1', (now) => paused.push(now));
    stream.push(Buffer.alloc(1_000_000, '\n'));
    assert.deepEqual(paused, []);
    stream.push(Buffer.alloc(1_000_000, '\n'));
    assert.deepEqual(paused, [true]);
    stream.done(2);
    assert.deepEqual(paused, [true, false]);
  });
});
