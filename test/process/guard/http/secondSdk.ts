import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { makeProject } from '../../package/npmServers.ts';
import type { HttpWorld, Program } from './httpWorld.ts';

const packages = ['@modelcontextprotocol/server@2.4.0', '@modelcontextprotocol/client@2.4.0', '@modelcontextprotocol/node@2.1.2'];

/** A folder with the TypeScript SDK 2.x and the programs that use it. */
export async function installSecondSdk(world: HttpWorld): Promise<string> {
  const folder = join(world.root, 'v2');
  await makeProject(folder, packages);
  for (const name of ['v2Server.mjs', 'v2Client.mjs']) {
    cpSync(join(import.meta.dirname, name), join(folder, name));
  }
  return folder;
}

/** A client of the SDK 2.x in a process of its own. */
export class SecondClient {
  readonly program: Program;
  readonly #lines: AsyncIterator<string>;

  constructor(world: HttpWorld, folder: string, origin: string, mode: 'legacy' | 'auto') {
    this.program = world.start([join(folder, 'v2Client.mjs'), `${origin}/mcp`, mode]);
    const { stdout } = this.program.child;
    if (!stdout) {
      throw new Error('The client has no output');
    }
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  /** @throws when it ended */
  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) {
      throw new Error(`The client ended: ${this.program.said()}`);
    }
    return value;
  }

  count(key: string): Promise<string> {
    this.program.child.stdin?.write(`${key}\n`);
    return this.line();
  }
}
