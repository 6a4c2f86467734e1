import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { idText, keyOf, readEnvelope } from '../../../../src/guard/message/envelope.ts';
import { membersOf } from '../../../../src/guard/message/jsonSpans.ts';
import { LineSplitter } from '../../../../src/guard/message/lineSplitter.ts';
import { failedTool } from '../../../../src/guard/message/ownAnswers.ts';
import { Relay } from '../../../../src/guard/relay/relay.ts';
import type { CallGate } from '../../../../src/guard/relay/relayContext.ts';
import { assertNames } from '../../../names.ts';
import { fakeServer } from '../fakeServer.ts';

const rounds = process.env.TEST_LONG === '1' ? 50_000 : 3_000;

/** Fixed seed: a failure can be repeated. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const letters = ['a', '"', '\\', '{', '}', '[', ']', ',', ':', '\n', '\r', '\t', '\u0000', 'é', '€', '😀', 'id', 'method', '\u2028', ' '];

function randomText(random: (below: number) => number): string {
  return Array.from({ length: random(8) }, () => letters[random(letters.length)]).join('');
}

/** JSON text with odd white space, odd escapes and repeated keys. */
function randomJson(random: (below: number) => number, depth = 0): string {
  const space = (): string => ['', ' ', '\t', '\r', '  '][random(5)] ?? '';
  const text = (): string => {
    const plain = JSON.stringify(randomText(random));
    // Any letter may be written as an escape.
    return random(3) === 0
      ? plain.replace(/[a-z]/g, (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`).replaceAll('\\\\u00', '\\u00')
      : plain;
  };
  const safe = (): string => {
    const candidate = text();
    try {
      JSON.parse(candidate);
      return candidate;
    } catch {
      return '"x"';
    }
  };
  switch (depth > 4 ? random(4) : random(7)) {
    case 0:
      return safe();
    case 1:
      return ['0', '-1.5e3', '9007199254740993', '1E-2', '123'][random(5)] ?? '0';
    case 2:
      return ['true', 'false', 'null'][random(3)] ?? 'null';
    case 3:
      return '{}';
    case 4:
      return `[${space()}${Array.from({ length: random(4) }, () => `${space()}${randomJson(random, depth + 1)}${space()}`).join(',')}]`;
    default: {
      const names = ['"id"', '"method"', '"\\u0069d"', '"params"', '"result"', safe()];
      const members = Array.from(
        { length: random(5) },
        () => `${space()}${names[random(names.length)]}${space()}:${space()}${randomJson(random, depth + 1)}${space()}`,
      );
      return `{${members.join(',')}}`;
    }
  }
}

describe('guard framing', () => {
  it('cuts lines at every newline, however the bytes come, and keeps what is left', () => {
    const random = randomNumbers(7);
    for (let round = 0; round < rounds; round += 1) {
      const bytes = Buffer.from(Array.from({ length: random(40) }, () => letters[random(letters.length)]).join(''));
      const lines: Buffer[] = [];
      const splitter = new LineSplitter({ line: (line) => lines.push(Buffer.from(line)), part: fail, cut: fail, endless: fail });
      for (let at = 0; at < bytes.length; ) {
        const size = 1 + random(7);
        splitter.push(bytes.subarray(at, at + size));
        at += size;
      }
      assert.deepEqual(Buffer.concat([...lines, splitter.rest()]), bytes);
      assert.equal(lines.length, bytes.filter((byte) => byte === 10).length);
    }
  });

  it('finds the members of an object as JSON.parse does: escapes, repeated keys, brackets and quotes in texts', () => {
    const random = randomNumbers(11);
    for (let round = 0; round < rounds; round += 1) {
      const text = randomJson(random);
      const expected: unknown = JSON.parse(text);
      const found = membersOf(Buffer.from(text));
      if (typeof expected !== 'object' || expected === null || Array.isArray(expected)) {
        assert.equal(found, undefined, text);
        continue;
      }
      assert.ok(found, text);
      const actual = Object.fromEntries(
        [...found].map(([key, { start, end }]) => [key, JSON.parse(Buffer.from(text).subarray(start, end).toString())]),
      );
      assert.deepEqual(actual, { ...expected }, text);
    }
  });

  it('never fails and never hangs on broken text', () => {
    const random = randomNumbers(13);
    for (let round = 0; round < rounds; round += 1) {
      const text = Buffer.from(randomJson(random));
      for (let count = 0; count <= random(3); count += 1) {
        text[random(text.length)] = random(256);
      }
      const broken = text.subarray(0, random(text.length + 1));
      membersOf(broken);
      readEnvelope(broken);
    }
  });

  it('large messages have the same envelope as small ones', () => {
    const random = randomNumbers(17);
    const filler = 'x'.repeat(20_000);
    for (let round = 0; round < Math.min(rounds, 3_000); round += 1) {
      const inside = randomJson(random).replace(/^\{/, '').replace(/\}$/, '');
      const small = Buffer.from(`{${inside}${inside.includes(':') ? ',' : ''}"filler":""}`);
      const large = Buffer.from(`{${inside}${inside.includes(':') ? ',' : ''}"filler":"${filler}"}`);
      try {
        JSON.parse(small.toString());
      } catch {
        continue;
      }
      const { body: _, ...expected } = { body: undefined, ...readEnvelope(small) };
      const { body: __, ...actual } = { body: undefined, ...readEnvelope(large) };
      assert.deepEqual(actual, expected, small.toString());
    }
  });

  for (const [name, method, id] of [
    ['an escaped key', '{"\\u006dethod":"tools/call","id":1,"params":{"name":"x"}}', 1],
    ['a repeated key', '{"method":"a","method":"tools/call","id":2,"id":1,"params":{"name":"y"},"params":{"name":"x"}}', 1],
    ['keys inside values', '{"params":{"name":"x","method":"a","id":9,"text":"\\",\\"method\\":\\"b"},"method":"tools/call","id":1}', 1],
  ] as const) {
    it(`is not fooled by ${name}, small or large`, () => {
      for (const text of [method, `${method.slice(0, -1)},"filler":"${'x'.repeat(20_000)}"}`]) {
        const envelope = readEnvelope(Buffer.from(text));
        assert.ok(envelope.kind === 'request');
        assert.deepEqual([envelope.method, envelope.id, envelope.body.paramText('name')], ['tools/call', id, 'x']);
      }
    });
  }

  it('keeps ids apart that JavaScript cannot, and writes them as they came', () => {
    const ids = [
      '9007199254740993',
      '9007199254740992',
      '12345678901234567890',
      '1e400',
      '"9007199254740993"',
      '"\\u00009007199254740993"',
      '1',
      '"1"',
      '-0.5',
    ];
    const keys = ids.map((id) => {
      const envelope = readEnvelope(Buffer.from(`{"id":${id},"method":"x"}`));
      return envelope.kind === 'request' ? envelope.id : 'none';
    });
    assert.equal(new Set(keys).size, ids.length);
    assert.deepEqual(keys.map(idText), ids);
    assert.equal(keyOf(null), undefined);
  });

  it('keeps the ids of an array apart in the same way, and its messages as they stood in it', () => {
    const messages = [
      '{"id":9007199254740993,"method":"x"}',
      '{ "id" : 1e400 ,"method":"x","a":1.0}',
      '{"id":-0.5,"method":"x"}',
      '[{"id":7}]',
    ];
    const batch = readEnvelope(Buffer.from(` [ ${messages.join(' ,')}\t]\r\n`));
    assert.ok(batch.kind === 'batch');
    assert.deepEqual(batch.parts.map(String), messages);
    const single = messages.map((message) => readEnvelope(Buffer.from(message)));
    assert.deepEqual(
      batch.items.slice(0, 3).map((item) => (item.kind === 'request' ? item.id : item.kind)),
      single.slice(0, 3).map((item) => (item.kind === 'request' ? item.id : item.kind)),
    );
    assert.equal(batch.items[3]?.kind, 'opaque', 'an array in an array is no message');
    assert.equal(readEnvelope(Buffer.from('[]')).kind, 'batch');
  });

  it('takes what Python writes and JSON does not know for the message that it is to Python', () => {
    const call = readEnvelope(
      Buffer.from('{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"write","arguments":{"x":NaN,"y":[-Infinity]}}}'),
    );
    assert.ok(call.kind === 'request');
    assert.deepEqual([call.id, call.method, call.body.paramText('name'), call.body.value()], [7, 'tools/call', 'write', undefined]);
    const array = readEnvelope(Buffer.from('[{"id":1,"method":"x","a":NaN}, 7, ["deep", {"id":2}],{"id":"b","result":{}} ]'));
    assert.ok(array.kind === 'batch');
    assert.deepEqual(
      array.items.map((item) => ('id' in item ? [item.kind, item.id] : [item.kind])),
      [['request', 1], ['opaque'], ['opaque'], ['response', 'b']],
    );
    assert.equal(String(array.parts[0]), '{"id":1,"method":"x","a":NaN}');
    // Beside the parameters, too.
    assert.equal(readEnvelope(Buffer.from('{"id":1,"x":-Infinity,"method":"tools/call"}')).kind, 'request');
    for (const line of ['[info] started', '[INFO] started', '[NaN', `${'['.repeat(100_000)}NaN`, '[{"id":1},NaN']) {
      assert.equal(readEnvelope(Buffer.from(line)).kind, 'opaque', line.slice(0, 20));
    }
    const answer = readEnvelope(Buffer.from('{"jsonrpc": "2.0", "id": 7, "result": {"structuredContent": {"x": NaN}}}\r\n'));
    assert.deepEqual(answer.kind === 'response' && [answer.id, answer.isError], [7, false]);
    for (const broken of ['{"id":7,"result":{"x":', '{"id":7,"result":{}', '{"id":7,"result":NaN', 'NaN', '{NaN}']) {
      assert.equal(readEnvelope(Buffer.from(broken)).kind, 'opaque', broken);
    }
  });

  it('the rest of an array with a refused call is forwarded as the bytes that came', async () => {
    const gate: CallGate = {
      admit: ({ tool }) => (tool === 'write' ? { answer: failedTool('no', false) } : 'pass'),
      answered: () => undefined,
      serves: () => undefined,
      listed: () => undefined,
      toolsChanged: () => undefined,
      isOff: false,
      amends: false,
      amend: (line) => line,
    };
    const { input, output, serverInput } = relayed(gate);
    const [toServer, toClient] = [collect(serverInput), collect(output)];
    const call = (id: string, tool: string): string => `{ "id":${id},"method":"tools/call","params":{"name":"${tool}","a":1.0}}`;
    const refused = call('9007199254740995', 'write');
    input.write(`[${refused} , ${call('9007199254740993', 'read')}]\n[${refused}]\n[${call('1', 'read')},${refused},"x"]\n`);
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    assert.equal(Buffer.concat(toServer).toString(), `[${call('9007199254740993', 'read')}]\n[${call('1', 'read')},"x"]\n`);
    const answers = Buffer.concat(toClient).toString().trim().split('\n');
    assert.equal(answers.filter((line) => line.includes('"id":9007199254740995')).length, 3, answers.join('\n'));
  });

  it('withdraws the call that is meant, of two ids that JavaScript cannot tell apart', async () => {
    const { input, relay } = relayed();
    for (const id of ['9007199254740992', '9007199254740993']) {
      input.write(`{"id":${id},"method":"tools/call","params":{"name":"x"}}\n`);
    }
    input.write('{"method":"notifications/cancelled","params":{"reason":"late","requestId":9007199254740993}}\n');
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    assert.deepEqual([...(relay.current?.inFlight.keys() ?? [])].map(idText), ['9007199254740992']);
  });

  it('what two servers ask under one id stays apart: answers, late answers and withdrawals', async () => {
    const { input, output, serverOutput, serverInput, relay } = relayed();
    const other = fakeServer();
    relay.connect(other.server);
    const [toClient, toFirst, toSecond] = [collect(output), collect(serverInput), collect(other.input)];
    const turn = (): Promise<unknown> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    const asked = '{"jsonrpc":"2.0","id":0,"method":"roots/list"}\n';
    const withdrawn = '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":0}}\n';
    serverOutput.write(asked);
    await turn();
    other.output.write(asked);
    await turn();
    other.output.write(withdrawn);
    await turn();
    const lines = (): string[] => Buffer.concat(toClient).toString().trim().split('\n');
    const renamed = 'mcp-shepherd-asked-1';
    assert.deepEqual(
      lines().map((line) => JSON.parse(line).id ?? JSON.parse(line).params.requestId),
      [0, renamed, renamed],
    );
    // The first one's is withdrawn too; then both ask under one id again, and the first answer comes twice.
    serverOutput.write(withdrawn);
    other.output.write(asked.replace('0,', '1,'));
    await turn();
    serverOutput.write(asked.replace('0,', '1,'));
    await turn();
    assertNames(lines().at(-1), '"id":"mcp-shepherd-asked-2"');
    input.write('{"jsonrpc":"2.0","id":1,"result":{"of":"the second"}}\n');
    await turn();
    input.write('{"jsonrpc":"2.0","id":1,"result":{"late":true}}\n');
    input.write('{"jsonrpc":"2.0","id":"mcp-shepherd-asked-2","result":{"of":"the first"}}\n');
    await turn();
    assert.equal(Buffer.concat(toSecond).toString(), '{"jsonrpc":"2.0","id":1,"result":{"of":"the second"}}\n');
    assert.equal(Buffer.concat(toFirst).toString(), '{"jsonrpc":"2.0","id":1,"result":{"of":"the first"}}\n');
  });

  it('relays mutated traffic in both directions byte for byte, whatever it is', async () => {
    const random = randomNumbers(19);
    const { input, output, serverInput, serverOutput } = relayed();
    const [toServer, toClient] = [collect(serverInput), collect(output)];
    const [fromClient, fromServer]: [Buffer[], Buffer[]] = [[], []];
    for (let round = 0; round < Math.min(rounds, 5_000); round += 1) {
      const line = Buffer.from(`${randomJson(random).replaceAll('\n', '')}\n`);
      if (random(4) === 0) {
        line[random(line.length)] = random(256);
      }
      const up = random(2) === 0;
      (up ? fromClient : fromServer).push(line);
      for (let at = 0; at < line.length; ) {
        const size = 1 + random(line.length);
        (up ? input : serverOutput).write(line.subarray(at, at + size));
        at += size;
      }
    }
    input.end();
    serverOutput.end();
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    // Answers to requests that no server made are forwarded, too.
    assert.deepEqual(Buffer.concat(toServer), Buffer.concat(fromClient));
    assert.deepEqual(Buffer.concat(toClient), Buffer.concat(fromServer));
  });
});

function fail(): never {
  throw new Error('no line is long here');
}

function relayed(gate?: CallGate) {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const relay = new Relay(input, output);
  relay.gate = gate;
  const { input: serverInput, output: serverOutput, server } = fakeServer();
  relay.release(relay.connect(server));
  return { input, output, serverInput, serverOutput, relay };
}

function collect(stream: PassThrough): Buffer[] {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return chunks;
}
