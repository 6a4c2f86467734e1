import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { endTree } from '../../../../scripts/system/processTree.ts';

/** A thread of a running `codex app-server`, which starts the configured servers and calls their tools without an account. */
export interface CodexThread {
  readonly pid: number;
  /** What the app server tells of the servers' start, in its order: "notes ready". */
  readonly startups: readonly string[];
  /** Calls a tool. @returns the text of its answer @throws with Codex's error */
  call(server: string, tool: string): Promise<string>;
  /** Starts one more thread beside it. */
  startAnother(): Promise<void>;
  dispose(): Promise<void>;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly name?: string; readonly status?: string };
  readonly result?: { readonly thread?: { readonly id: string }; readonly content?: readonly { readonly text?: string }[] };
  readonly error?: { readonly message: string };
}

/** Its model is never asked, and its address does not answer: Codex makes no network request for it. */
export const nowhere = [
  'model_provider = "nowhere"',
  'check_for_update_on_startup = false',
  '[model_providers.nowhere]',
  'name = "nowhere"',
  'base_url = "http://127.0.0.1:9/v1"',
  '',
].join('\n');

/**
 * Starts the app server and a thread in a directory (its protocol as of 0.169, `codex app-server generate-ts`).
 *
 * @param env its whole environment; `HOME` decides which configuration it reads
 */
export async function startCodexThread(program: string, cwd: string, env: NodeJS.ProcessEnv): Promise<CodexThread> {
  const child = spawn(program, ['app-server'], { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] });
  const pid = child.pid ?? 0;
  const waiting = new Map<number, (message: Message) => void>();
  const startups: string[] = [];
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const message: Message = JSON.parse(line);
    if (message.id !== undefined && message.method === undefined) {
      waiting.get(message.id)?.(message);
    } else if (message.method === 'mcpServer/startupStatus/updated') {
      startups.push(`${message.params?.name} ${message.params?.status}`);
    }
  });
  let next = 1;
  const ask = (method: string, params: object): Promise<NonNullable<Message['result']>> =>
    new Promise((resolve, reject) => {
      const id = next++;
      waiting.set(id, ({ result, error }) => (result ? resolve(result) : reject(new Error(`${method}: ${error?.message}`))));
      child.once('close', (code) => reject(new Error(`codex ended with ${code}, ${method} unanswered:\n${errors.slice(-2_000)}`)));
      child.stdin.write(`${JSON.stringify({ id, method, params })}\n`);
    });
  const dispose = (): Promise<void> => endTree(pid);
  try {
    await ask('initialize', { clientInfo: { name: 'test', title: null, version: '1' }, capabilities: { experimentalApi: true } });
    child.stdin.write('{"method":"initialized"}\n');
    const { thread } = await ask('thread/start', { cwd });
    return {
      pid,
      startups,
      dispose,
      startAnother: async () => {
        await ask('thread/start', { cwd });
      },
      call: async (server, tool) => {
        const { content } = await ask('mcpServer/tool/call', { threadId: thread?.id, server, tool, arguments: {} });
        return content?.[0]?.text ?? '';
      },
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}
