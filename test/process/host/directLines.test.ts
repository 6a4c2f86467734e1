// Lines that a relay passes between client and server without its host. This process is the host.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type Frame, FrameReader, FrameWriter, readGreeting } from '../../../src/relay/contract.ts';
import { until } from '../../until.ts';
import { GuardHome, type Relay } from '../guard/guardedServer.ts';
import { onlyOnLinux } from '../onlyOnLinux.ts';

/** Answers each line with the same line. */
const echo = ['/bin/sh', '-c', 'while read -r line; do echo "$line"; done'];

/** One connection of the relay, as its host has it. */
class Connection {
  readonly frames: string[] = [];
  readonly #socket: Socket;
  readonly #reader = new FrameReader();

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => undefined).on('data', (bytes) => this.frames.push(...this.#reader.push(bytes).map(shown)));
  }

  /** @param frames KIND NAME BODY */
  do(...frames: readonly string[]): void {
    const writer = new FrameWriter();
    for (const frame of frames) {
      const [kind = '', name = '', ...body] = frame.split(' ');
      writer.add(kind, name, body.join(' '));
    }
    writer.leave(this.#socket);
  }

  async got(...frames: readonly string[]): Promise<void> {
    await until(`${frames.join(', ')} in ${this.frames}`, () => frames.every((frame) => this.frames.includes(frame)));
  }

  close(): void {
    this.#socket.destroy();
  }
}

function shown({ kind, name, body }: Frame): string {
  return kind === 'hello' ? `hello ${readGreeting(body)?.canOpen}` : `${kind} ${name} ${body}`.trim();
}

for (const relay of ['perl', 'python', 'node'] satisfies Relay[]) {
  describe(`host: lines that pass a relay in ${relay} without the host`, function () {
    this.timeout(120_000);
    onlyOnLinux('sockets and relays as on Linux');
    let home: GuardHome;
    let listener: Server;
    const connections: Connection[] = [];
    beforeEach(async () => {
      home = new GuardHome();
      home.relay = relay;
      home.startsHost = false;
      const folder = join(home.run, 'shepherd', 'host');
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeFileSync(join(folder, 'secret'), 'f'.repeat(64), { mode: 0o600 });
      connections.length = 0;
      listener = createServer((socket) => connections.push(new Connection(socket)));
      await new Promise<void>((resolve) => listener.listen(join(folder, 'socket'), resolve));
    });
    afterEach(async () => {
      connections.forEach((connection) => void connection.close());
      listener.close();
      await home.clean();
      rmSync(home.run, { recursive: true, force: true });
    });
    const connected = async (count: number): Promise<Connection> => {
      await until(`connection ${count}`, () => connections.length === count);
      const connection = connections[count - 1] as Connection;
      await connection.got('hello true');
      connection.do('ready 1');
      return connection;
    };

    it('the server gets them at once; the next host hears of them in their order; the relay says when it has stopped', async () => {
      const client = await home.guard(['--', ...echo]);
      const lines = (): string => Buffer.concat(client.lines).toString();
      const write = (text: string): void => void client.child.stdin?.write(`${text}\n`);
      const host = await connected(1);
      host.do('start 1', 'commit -');
      await until('it has started', () => host.frames.some((frame) => frame.startsWith('started 1')));

      write('a');
      await host.got('lines - a');
      host.do('lines 1 a\n', 'open 1 on', 'commit -');
      await host.got('lines 1 a');
      write('b');
      await host.got('lines - b');
      assert.equal(lines(), '', 'control: a line before this one is not dealt with');

      host.do('lines - a\n', 'lines 1 b\n', 'direct 1 on', 'commit - - 2 1 1');
      await host.got('passed 1 b');
      write('c');
      await host.got('sent 1 c', 'passed 1 c');
      write('d');
      await host.got('sent 1 d', 'passed 1 d');
      await until('the client has all answers', () => lines() === 'a\nb\nc\nd\n');
      host.do('commit - - 3');
      host.close();

      const next = await connected(2);
      await next.got('passed 1 d');
      assert.deepEqual(
        next.frames.filter((frame) => !frame.startsWith('hello')),
        ['passed 1 b', 'passed 1 c', 'sent 1 d', 'passed 1 d'],
        'the new host, which has allowed nothing, gets what no host has dealt with',
      );
      next.do('open 1 on', 'direct 1 on', 'commit - - 1 1 3');
      write('e');
      await next.got('passed 1 e');
      next.do('open 1', 'commit - - 2 1 4');
      await next.got('shut 1');
      write('f');
      await next.got('lines - f');
      assert.equal(lines(), 'a\nb\nc\nd\ne\n');
      next.do('lines 1 f\n', 'commit - - 3');
      await next.got('passed 1 f');
      client.child.stdin?.end();
      await next.got('eof -');
      next.do('close 1', 'exit - code 0', 'commit -');
      assert.deepEqual(await client.ended, { code: 0, signal: null });
    });

    it('a server that does not read slows the client down, and gets all in its order when it reads again', async () => {
      const client = await home.guard([
        '--',
        '/bin/sh',
        '-c',
        'read -r first; while ! [ -e "$0" ]; do sleep 0.1; done; cksum',
        home.path('go'),
      ]);
      const host = await connected(1);
      host.do('start 1', 'commit -');
      await until('it has started', () => host.frames.some((frame) => frame.startsWith('started 1')));
      host.do('open 1', 'open 1 on', 'direct 1 on', 'commit -');
      await host.got('shut 1');
      client.child.stdin?.write('first\n');
      const all = Array.from({ length: 80_000 }, (_, index) => `${index} ${'x'.repeat(100)}\n`).join('');
      let hasLeft = false;
      client.child.stdin?.end(all, () => {
        hasLeft = true;
      });
      const count = (kind: string): number => host.frames.filter((frame) => frame.startsWith(kind)).length;
      const acknowledge = setInterval(() => host.do(`commit - - ${count('sent 1') + count('lines -')}`), 20);
      try {
        await until('the relay has passed some', () => count('sent 1') > 5);
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        assert.ok(!hasLeft, 'the client waits');
        writeFileSync(home.path('go'), '');
        await host.got('eof -');
        host.do('close 1', 'commit -');
        await host.got('eof 1');
        assert.equal(Buffer.concat(client.lines).toString(), execFileSync('cksum', { input: all }).toString());
        host.do('exit - code 0', 'commit -');
        assert.deepEqual(await client.ended, { code: 0, signal: null });
      } finally {
        clearInterval(acknowledge);
      }
    });
  });
}
