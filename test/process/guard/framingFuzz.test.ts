import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { GuardHome, RawClient } from './guardedServer.ts';

const long = process.env.TEST_LONG === '1';
const seeds = long ? Array.from({ length: 60 }, (_, index) => 101 + index) : [101, 102];
const lines = long ? 3_000 : 800;
const restartEvery = lines / 4;
const server = fileURLToPath(new URL('fuzzServer.cjs', import.meta.url));

/** A faulty relay: it decodes every line from the chunk that it came in, and writes it again. */
const naive = `
const { spawn } = require('node:child_process');
const child = spawn(process.execPath, process.argv.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
child.once('exit', (code) => process.exit(code ?? 1));
const pass = (from, to) => {
  let rest = '';
  from.on('data', (chunk) => {
    rest += chunk.toString('utf8');
    const parts = rest.split('\\n');
    rest = parts.pop();
    for (const part of parts) {
      let text = part;
      try { text = JSON.stringify(JSON.parse(part)); } catch {}
      to.write(text + '\\n');
    }
  });
  from.once('end', () => to.end());
};
pass(process.stdin, child.stdin);
pass(child.stdout, process.stdout);`;

/** Mutated traffic of one seed, and what has to come of it. */
interface Traffic {
  readonly lines: readonly Buffer[];
  /** How often each id, as the letters that it was written with, is asked by requests that were left whole. */
  readonly whole: ReadonlyMap<string, number>;
  /** Ids in damaged requests, which may or may not be requests. */
  readonly damaged: ReadonlySet<string>;
}

describe('guard: mutated traffic through the bundle that ships', function () {
  this.timeout(long ? 900_000 : 120_000);
  let home: GuardHome;
  beforeEach(() => {
    home = new GuardHome();
  });
  afterEach(() => home.clean());

  for (const seed of seeds) {
    it(`seed ${seed}: ${lines} lines of requests, repeated and huge ids, arrays, answers to nothing and garbage, cut anywhere, over restarts: each byte and each answer once`, async () => {
      const client = await home.guard(['--drain', '2', '--on-stale', 'off', '--', process.execPath, server, home.path('lines')]);
      const faults = await exchange(client, trafficOf(seed), true);
      assert.deepEqual(faults, []);
      // Nothing hangs: the session continues and ends.
      client.child.stdin?.end();
      assert.equal((await client.ended).code, 0, client.stderr);
    });
  }

  it('control: a relay that decodes and writes again fails with the same traffic', async () => {
    const child = spawn(process.execPath, ['-e', naive, server, home.path('lines')], { cwd: home.root, env: home.env });
    const client = new RawClient(child);
    home.clients.push(client);
    const faults = await exchange(client, trafficOf(101), false);
    for (const kind of ['changed on their way', 'answered 0 times']) {
      assert.ok(
        faults.some((fault) => fault.includes(kind)),
        `${kind}: ${faults.slice(0, 5).join('\n')}`,
      );
    }
  });

  /** Sends the traffic, cut at random. @returns everything that is not as it should be */
  async function exchange(client: RawClient, traffic: Traffic, replaced: boolean): Promise<string[]> {
    const random = randomNumbers(traffic.lines.length + traffic.whole.size);
    await client.handshake();
    const first = client.lines.length;
    for (const [index, line] of traffic.lines.entries()) {
      for (let at = 0; at < line.length; ) {
        const size = 1 + random(line.length);
        client.write(line.subarray(at, at + size));
        at += size;
        if (random(4) === 0) {
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
      if (replaced && index % restartEvery === restartEvery / 2) {
        client.child.kill('SIGUSR2');
      }
    }
    // The last: everything before it has been read when it is answered.
    const last = await Promise.race([client.request('ping', {}, 'the last one'), client.ended]);
    assert.ok(!('code' in last), `ended: ${client.stderr}`);

    const received = readFileSync(home.path('lines'), 'latin1')
      .trim()
      .split('\n')
      .map((hex) => Buffer.from(hex, 'hex'))
      .filter(
        (line) =>
          !/^\{"jsonrpc":"2\.0","(id":1,"method":"initialize|id":"mcp-shepherd-|id":"the last one|method":"notifications\/initialized)/.test(
            line.toString(),
          ),
      );
    const sent = traffic.lines.filter((line) => !isAnswer(line)).map((line) => line.toString('hex'));
    const came = received.filter((line) => !isAnswer(line)).map((line) => line.toString('hex'));
    const faults =
      sent.join() === came.join() ? [] : [`${sent.filter((line, index) => line !== came[index]).length} lines were changed on their way`];

    const answers = new Map<string, number>();
    for (const line of client.lines.slice(first)) {
      for (const id of idsIn(line)) {
        answers.set(id, (answers.get(id) ?? 0) + 1);
      }
    }
    for (const [id, count] of traffic.whole) {
      if (answers.get(id) !== count && !traffic.damaged.has(id)) {
        faults.push(`${id}: asked ${count} times, answered ${answers.get(id) ?? 0} times`);
      }
    }
    for (const [id] of answers) {
      if (!traffic.whole.has(id) && !traffic.damaged.has(id) && id !== '"the last one"') {
        faults.push(`${id} was never asked`);
      }
    }
    return faults;
  }
});

/** An answer of the client to no request: it may be dropped while a server is replaced. */
function isAnswer(line: Buffer): boolean {
  return /^\{"jsonrpc":"2\.0","id":"no such"/.test(line.toString());
}

function trafficOf(seed: number): Traffic {
  const random = randomNumbers(seed);
  const one = <T>(values: readonly T[]): T => values[random(values.length)] as T;
  const whole = new Map<string, number>();
  const damaged = new Set<string>();
  let next = 0;
  const newId = (): string => {
    next += 1;
    return one([
      `${next}000`,
      `"text ${next}"`,
      `"\\u00e9\\"${next}"`,
      `90071992547409930${next}`,
      `-${next}.5`,
      `${next}e300`,
      '77',
      '"again"',
      '9007199254740993',
      '9007199254740992',
    ]);
  };
  const text = (): string => one(['', 'é€😀', '\\u0000\\ud83d', '","id":5,"method":"x', '[{', 'x'.repeat(random(60_000))]);
  const request = (id: string): string =>
    one([
      `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"echo","arguments":{"text":"${text()}"}}}`.replaceAll(
        '","id":5,"method":"x',
        '',
      ),
      `{"jsonrpc":"2.0", "method":"x/y" ,"id":${id}}`,
      `{ "id" : ${id} ,"method":"resources/read","params":{"uri":"é"},"jsonrpc":"2.0"}`,
    ]);
  const asked = (id: string): void => void whole.set(id, (whole.get(id) ?? 0) + 1);
  const result: Buffer[] = [];
  for (let count = 0; count < lines; count += 1) {
    const kind = random(10);
    if (kind < 4) {
      const id = newId();
      asked(id);
      result.push(Buffer.from(`${request(id)}${one(['\n', '\r\n', ' \n'])}`));
    } else if (kind < 6) {
      const ids = Array.from({ length: 1 + random(4) }, newId);
      ids.forEach(asked);
      const parts = [...ids.map(request), ...(random(2) === 0 ? ['{"jsonrpc":"2.0","method":"notifications/x"}'] : [])];
      result.push(Buffer.from(`[${parts.join(one([',', ' , ']))}]\n`));
    } else if (kind === 6) {
      result.push(Buffer.from(`{"jsonrpc":"2.0","id":"no such","result":{"text":"${text().replaceAll('","id":5,"method":"x', '')}"}}\n`));
    } else if (kind === 7) {
      result.push(
        Buffer.from(one(['\n', '\r\n', '[]\n', '[1,[2]]\n', 'null\n', '"text"\n', 'no JSON at all\n', '{"half":\n', '[[[[[[[\n', '{}\n'])),
      );
    } else if (kind === 8) {
      result.push(
        Buffer.from(
          `{"jsonrpc":"2.0","method":"notifications/x","params":{"a":1.0,"a":2e400,"t":"${text().replaceAll('","id":5,"method":"x', '')}"}}\n`,
        ),
      );
    } else {
      // Damaged: some bytes are others, or the end is missing. Its id stands in no other line.
      const id = `"damaged ${count}"`;
      const line = Buffer.from(request(id));
      for (let changes = 0; changes <= random(4); changes += 1) {
        line[random(line.length)] = random(256);
      }
      const cut = line.subarray(0, random(2) === 0 ? line.length : random(line.length)).filter((byte) => byte !== 10);
      result.push(Buffer.concat([cut, Buffer.from('\n')]));
      for (const found of idsIn(Buffer.from(cut))) {
        damaged.add(found);
      }
    }
  }
  return { lines: result, whole, damaged };
}

/** Ids as the letters that they are written with. */
function idsIn(line: Buffer): readonly string[] {
  return [...line.toString('utf8').matchAll(/"id" ?: ?("(?:[^"\\]|\\.)*"|-?\d[-+.\deE]*)/g)].map(([, id = '']) => id);
}

/** xorshift32: a failure can be repeated. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
