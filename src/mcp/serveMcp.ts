import { StringDecoder } from 'node:string_decoder';
import type { Outcome } from '../action/execute/exclusiveAction.ts';
import type { Plan } from '../action/plan/plan.ts';
import { reasonOf } from '../base/errors.ts';
import { isRecord } from '../base/json.ts';
import type { Log } from '../base/log.ts';
import type { Instance, Snapshot } from '../model/snapshot.ts';
import {
  type AgentAnswer,
  agentExplanation,
  agentMayExecute,
  agentStatus,
  noSuchServer,
  restartAnswer,
  restartedInstance,
  restartQuestion,
  restartTargetOf,
  restartText,
  unchangedAnswer,
} from './agentAnswers.ts';
import { agentToolNames, agentTools } from './agentTools.ts';

/** The machine, as the tools see it. */
export interface AgentMachine {
  /** A fresh scan. */
  scan(): Promise<Snapshot>;
  /** The plan of a restart, and its execution. @throws when the system has no process table */
  planRestart(instance: Instance, snapshot: Snapshot): Promise<{ readonly plan: Plan; execute(): Promise<Outcome> }>;
}

/** Longer lines end the session, UTF-16 units. No message of a client is near it. */
const longestLine = 1024 ** 2;
/** How long the user may think about a question, ms. */
const answerMs = 600_000;
/** The newest first. A client of 2026-07-28 asks for `server/discover`, and falls back to `initialize`. */
const revisions = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const;
/** Error codes of JSON-RPC 2.0. */
const codes = { parse: -32_700, invalid: -32_600, method: -32_601, params: -32_602 } as const;

type Message = Readonly<Record<string, unknown>>;

/** The streams between a client and our server. */
interface AgentStreams {
  readonly input: NodeJS.ReadableStream;
  /** Writes one message as a line. */
  send(message: Message): void;
}

/** Serves our own MCP server until its client closes the input or `ended` is aborted. A restart that has begun is finished first. */
export async function serveMcp(
  { input, send }: AgentStreams,
  machine: AgentMachine,
  version: string,
  ended: AbortSignal,
  log: Log,
): Promise<void> {
  const server = new AgentServer(machine, version, send, log);
  const decoder = new StringDecoder('utf8');
  let rest = '';
  await new Promise<void>((done) => {
    input.on('data', (bytes: Buffer) => {
      const lines = (rest + decoder.write(bytes)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines.filter((one) => one.trim() !== '')) {
        server.receive(line);
      }
      if (rest.length > longestLine) {
        log.error('A message of the client is longer than 1 MB. The session ends.');
        done();
      }
    });
    input.once('end', done);
    input.once('error', () => done());
    ended.addEventListener('abort', () => done(), { once: true });
  });
  await server.close();
  input.removeAllListeners('data').pause();
}

/** The messages of one session. Without the SDK: with it, the extension's package would be a tenth larger. */
export class AgentServer {
  readonly #machine: AgentMachine;
  readonly #version: string;
  readonly #send: (message: Message) => void;
  readonly #log: Log;
  readonly #running = new Set<Promise<void>>();
  /** Our questions to the user, by id. */
  readonly #asked = new Map<string, (answer: unknown) => void>();
  #questions = 0;
  #canAsk = false;

  constructor(machine: AgentMachine, version: string, send: (message: Message) => void, log: Log) {
    this.#machine = machine;
    this.#version = version;
    this.#send = send;
    this.#log = log;
  }

  /** Takes one line of the client. Never throws. */
  receive(line: string): void {
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch {
      this.#send({ jsonrpc: '2.0', id: null, error: { code: codes.parse, message: 'This line is not JSON.' } });
      return;
    }
    if (!isRecord(message) || message.jsonrpc !== '2.0') {
      this.#send({ jsonrpc: '2.0', id: null, error: { code: codes.invalid, message: 'This is not a JSON-RPC 2.0 message.' } });
      return;
    }
    const { id, method } = message;
    if (typeof method !== 'string' && (message.result !== undefined || message.error !== undefined)) {
      if (typeof id === 'string') {
        this.#asked.get(id)?.(message.result);
      }
      return;
    }
    if (typeof method !== 'string' || (id !== undefined && typeof id !== 'string' && typeof id !== 'number')) {
      const named = typeof id === 'string' || typeof id === 'number' ? id : null;
      this.#send({
        jsonrpc: '2.0',
        id: named,
        error: { code: codes.invalid, message: 'A request has a method, and an id that is text or a number.' },
      });
      return;
    }
    // Notifications ask for nothing here.
    if (id !== undefined) {
      const work = this.#answer(method, message.params).then((answer) => this.#send({ jsonrpc: '2.0', id, ...answer }));
      this.#running.add(work);
      void work.finally(() => this.#running.delete(work));
    }
  }

  /** Takes open questions for declined, and waits until no tool is being called. */
  async close(): Promise<void> {
    this.#canAsk = false;
    for (const answer of this.#asked.values()) {
      answer(undefined);
    }
    await Promise.allSettled(this.#running);
  }

  async #answer(method: string, params: unknown): Promise<Message> {
    const given = isRecord(params) ? params : {};
    switch (method) {
      case 'initialize': {
        this.#canAsk = isRecord(given.capabilities) && isRecord(given.capabilities.elicitation);
        const protocolVersion = revisions.find((one) => one === given.protocolVersion) ?? revisions[0];
        const serverInfo = { name: 'mcp-shepherd', title: 'MCP Shepherd', version: this.#version };
        return { result: { protocolVersion, capabilities: { tools: {} }, serverInfo, instructions } };
      }
      case 'ping':
        return { result: {} };
      case 'tools/list':
        return { result: { tools: Object.values(agentTools) } };
      case 'tools/call':
        return this.#call(given.name, given.arguments);
      default:
        return { error: { code: codes.method, message: 'There is no method of this name.' } };
    }
  }

  async #call(name: unknown, args: unknown): Promise<Message> {
    try {
      switch (name) {
        case agentToolNames.status:
          return resultOf(agentStatus(await this.#machine.scan()));
        case agentToolNames.explain:
          return resultOf(agentExplanation(isRecord(args) ? args.server : undefined, await this.#machine.scan()));
        case agentToolNames.restart:
          return resultOf(await this.#restart(args));
      }
    } catch (error) {
      // The reason may quote files of others.
      this.#log.error(`${name} failed: ${reasonOf(error)}`);
      return {
        result: {
          content: [{ type: 'text', text: 'The machine could not be scanned; the reason is on standard error.' }],
          isError: true,
        },
      };
    }
    return { error: { code: codes.params, message: 'There is no tool of this name.' } };
  }

  /** Restarts a server. A client that can ask its user asks; otherwise the client's own question about a tool that is not read-only stands, and the PID and start of the status. */
  async #restart(args: unknown): Promise<AgentAnswer> {
    const target = restartTargetOf(args);
    const snapshot = await this.#machine.scan();
    const instance = target && restartedInstance(target, snapshot);
    if (!instance) {
      return noSuchServer;
    }
    const { plan, execute } = await this.#machine.planRestart(instance, snapshot);
    if (!agentMayExecute(plan)) {
      return unchangedAnswer('user-must-act', restartText(instance, snapshot));
    }
    if (this.#canAsk && !(await this.#agreed(restartQuestion(instance)))) {
      return unchangedAnswer('declined', 'The user did not agree. Nothing was done.');
    }
    return restartAnswer(await execute(), instance, snapshot);
  }

  /** Asks the user by the client. Only an explicit yes is one. */
  async #agreed(message: string): Promise<boolean> {
    this.#questions += 1;
    const id = `ask-${this.#questions}`;
    let timer: NodeJS.Timeout | undefined;
    const answer = await new Promise<unknown>((done) => {
      timer = setTimeout(() => done(undefined), answerMs);
      this.#asked.set(id, done);
      const requestedSchema = {
        type: 'object',
        properties: { restart: { type: 'boolean', title: 'Restart it' } },
        required: ['restart'],
      };
      this.#send({ jsonrpc: '2.0', id, method: 'elicitation/create', params: { message, requestedSchema } });
    });
    clearTimeout(timer);
    this.#asked.delete(id);
    return isRecord(answer) && answer.action === 'accept' && isRecord(answer.content) && answer.content.restart === true;
  }
}

const instructions =
  'Shows every MCP server on this machine, which version runs, and which one needs a restart. Begin with mcpShepherd_status.';

function resultOf(answer: AgentAnswer): Message {
  return { result: { content: [{ type: 'text', text: JSON.stringify(answer) }], structuredContent: answer } };
}
