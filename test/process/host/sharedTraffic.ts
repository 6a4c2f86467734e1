import assert from 'node:assert/strict';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ElicitRequestSchema, type JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { carriedOut } from '../guard/guardedServer.ts';

/** What carries the lines of one client. */
export interface Wire {
  send(line: string): void;
  onLine(take: (line: string) => void): void;
}

/** Calls of one client that are in flight at a time. */
const atOnce = 8;
const timeout = 120_000;

type Outcome = 'answered' | 'cancelled' | 'not carried out' | 'may have been carried out';

/** A client on the SDK that notes everything that it should not have got. Its ids, and so its progress tokens, are 0, 1, 2 … as those of any other. */
export class TrafficClient {
  readonly problems: string[] = [];
  /** What became of each call, by its text. */
  readonly outcomes = new Map<string, Outcome>();
  readonly #name: string;
  readonly #client: Client;
  readonly #wire: Wire;
  readonly #random: () => number;
  readonly #answers = new Set<unknown>();
  readonly #asked = new Set<string>();
  /** The text of each request, by its id, which is its progress token, too. */
  readonly #texts = new Map<unknown, string | undefined>();
  /** How often progress of a call came. */
  readonly #told = new Map<string, number>();
  #sent = 0;
  refused = 0;
  questions = 0;

  constructor(name: string, wire: Wire, seed: number) {
    this.#name = name;
    this.#wire = wire;
    this.#random = randomOf(seed);
    this.#client = new Client({ name: 'traffic', version: '1' }, { capabilities: { elicitation: {} } });
    this.#client.setRequestHandler(ElicitRequestSchema, ({ params: { message } }) => {
      this.#isOwn(message, 'a question');
      if (this.#asked.has(message)) {
        this.problems.push(`${this.#name}: the question ${message} twice`);
      }
      this.#asked.add(message);
      return { action: 'accept', content: { by: this.#name, of: message } };
    });
  }

  /** Calls of which progress came. */
  get progress(): number {
    return this.#told.size;
  }

  get calls(): number {
    return this.outcomes.size;
  }

  connect(): Promise<void> {
    return this.#client.connect(this.#transport());
  }

  /** Ends the calls that are in flight. */
  close(): Promise<void> {
    return this.#client.close();
  }

  #transport(): Transport {
    const transport: Transport = {
      start: () => {
        this.#wire.onLine((line) => {
          const message: JSONRPCMessage = JSON.parse(line);
          this.#sees(message);
          transport.onmessage?.(message);
        });
        return Promise.resolve();
      },
      send: (message) => {
        if ('id' in message && 'method' in message) {
          const { arguments: given } = (message.params ?? {}) as { arguments?: { text?: string } };
          this.#texts.set(message.id, given?.text);
        }
        return Promise.resolve(this.#wire.send(`${JSON.stringify(message)}\n`));
      },
      close: () => Promise.resolve(transport.onclose?.()),
    };
    return transport;
  }

  /** The SDK drops what it does not expect: that is looked for here. */
  #sees(message: JSONRPCMessage): void {
    if ('method' in message) {
      if (message.method === 'notifications/progress') {
        const { message: text, progressToken } = message.params as { message: string; progressToken: unknown };
        const told = (this.#told.get(text) ?? 0) + 1;
        this.#told.set(text, told);
        if (this.#texts.get(progressToken) !== text || told > 1) {
          this.problems.push(`${this.#name}: progress ${text}, number ${told}, of ${this.#texts.get(progressToken)}`);
        }
      }
    } else if (this.#answers.has(message.id)) {
      this.problems.push(`${this.#name}: an answer to ${message.id} twice`);
    } else {
      this.#answers.add(message.id);
    }
  }

  #isOwn(text: string, what: string): void {
    if (!text.startsWith(`${this.#name}.`)) {
      this.problems.push(`${this.#name}: ${what} of ${text}`);
    }
  }

  /** Makes calls, some with progress, some slow, some cancelled. @param mayNotAnswer a cancelled call may get no answer of the server */
  async run(calls: number, mayNotAnswer = false): Promise<void> {
    let left = calls;
    const worker = async (): Promise<void> => {
      for (; left > 0; ) {
        left -= 1;
        await this.#echo(mayNotAnswer);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
  }

  #text(): string {
    this.#sent += 1;
    return `${this.#name}.${this.#sent}`;
  }

  async #echo(mayNotAnswer: boolean): Promise<void> {
    const chance = this.#random();
    const text = `${this.#text()}${mayNotAnswer && chance > 0.9 ? '!' : ''}`;
    const cancel = new AbortController();
    const ms = chance < 0.1 ? Math.floor(this.#random() * 5) : 0;
    const answer = this.#client.callTool({ name: 'echo', arguments: { text, ms } }, undefined, {
      ...{ timeout, signal: cancel.signal },
      // The SDK may drop what comes in one piece with the answer.
      ...(chance > 0.7 ? { onprogress: () => undefined } : {}),
    });
    if (chance > 0.85) {
      setTimeout(() => cancel.abort('test'), this.#random() * 4);
    }
    try {
      const outcome = this.#outcome(text, JSON.stringify((await answer).content));
      if (outcome === 'answered' && chance > 0.7 && !this.#told.has(text)) {
        this.problems.push(`${this.#name}: no progress of ${text}`);
      }
    } catch (error) {
      if (cancel.signal.aborted) {
        this.outcomes.set(text, 'cancelled');
      } else {
        this.#outcome(text, `${error}`);
      }
    }
  }

  #outcome(text: string, answer: string): Outcome {
    const told = carriedOut(answer);
    const outcome = told === undefined ? 'answered' : told === 'no' ? 'not carried out' : 'may have been carried out';
    if (told === undefined && answer !== JSON.stringify([{ type: 'text', text }])) {
      this.problems.push(`${this.#name}: ${answer} to ${text}`);
    }
    this.outcomes.set(text, outcome);
    return outcome;
  }

  /** Calls during which the server asks its client something. */
  async ask(calls: number): Promise<void> {
    for (let n = 0; n < calls; n += 1) {
      const text = this.#text();
      const { content } = await this.#client.callTool({ name: 'ask', arguments: { text } }, undefined, { timeout });
      const [{ text: got = '' } = {}] = content as { text?: string }[];
      if (got.includes('Several clients share this server')) {
        this.refused += 1;
      } else if (got === JSON.stringify({ action: 'accept', content: { by: this.#name, of: text } })) {
        this.questions += 1;
      } else {
        this.problems.push(`${this.#name}: ${got} to the question ${text}`);
      }
    }
  }

  /** Requests that make no server ask anything. @returns the version of the server */
  async look(): Promise<string | undefined> {
    await this.#client.ping({ timeout });
    return (await this.#client.listTools({}, { timeout })).tools[0]?.description;
  }

  async pid(): Promise<number> {
    const { content } = await this.#client.callTool({ name: 'pid', arguments: {} }, undefined, { timeout });
    return Number((content as { text?: string }[])[0]?.text);
  }
}

/** In turns: while one client is asked, the other sends what causes no question. */
export async function askInTurns(clients: readonly TrafficClient[], calls: number): Promise<void> {
  for (const asked of clients) {
    const before = asked.questions;
    await Promise.all([asked.ask(calls), ...clients.filter((client) => client !== asked).map((client) => client.look())]);
    assert.equal(asked.questions - before, calls, `refused: ${asked.refused}; ${asked.problems}`);
  }
}

/** What is wrong with what a server carried out. */
export function wrongIn(log: readonly string[], clients: readonly TrafficClient[]): string[] {
  const outcomes = new Map(clients.flatMap((client) => [...client.outcomes]));
  const counts = new Map<string, number>();
  for (const text of log) {
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [
    ...[...counts].filter(([text]) => !outcomes.has(text)).map(([text]) => `${text} was never sent`),
    ...[...counts].filter(([, count]) => count > 1).map(([text, count]) => `${text} was carried out ${count} times`),
    ...[...outcomes].flatMap(([text, outcome]) => {
      const isThere = counts.has(text);
      return (outcome === 'answered' && !isThere) || (outcome === 'not carried out' && isThere) ? [`${text}: ${outcome}`] : [];
    }),
  ];
}

/** Numbers from 0 to 1 that a seed decides (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
