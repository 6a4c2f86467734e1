import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RawDefinition } from '../../../../src/model/definition.ts';
import type { ProcessRow } from '../../../../src/model/process.ts';
import { ProcTable } from '../../../../src/process/linux/procTable.ts';
import { processTree } from '../../../../src/process/tree/processTree.ts';
import { type Attributed, attributeServers } from '../../../../src/survey/match/attributeServers.ts';

/** Starts what it is told to as Claude Code does: a direct child, no shell. */
const client = `
import { spawn } from 'node:child_process';
import { openSync, writeSync } from 'node:fs';
const { command, args, cwd, env, log } = JSON.parse(process.argv[2]);
const output = openSync(log, 'w');
const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['inherit', output, output] });
child.on('error', (error) => { writeSync(output, String(error)); process.exit(1); });
if (!env.LAUNCHER_MAY_GO) child.on('exit', (code) => process.exit(code ?? 1));
setInterval(() => {}, 1e6);
`;

/** A server that reads until its input ends. */
export const server = `
if (process.env.TITLE) process.title = process.env.TITLE;
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
setInterval(() => {}, 1e6);
`;

/** A place of its own for homes, caches and programs; nothing outside it is written. */
export class Workshop {
  readonly dir = mkdtempSync(join(tmpdir(), 'shepherd-chains-'));
  readonly home = join(this.dir, 'home');
  readonly table = new ProcTable();
  readonly #started: ChildProcess[] = [];
  readonly #seen = new Map<number, ProcessRow>();

  constructor() {
    mkdirSync(this.home);
    this.write('client.mjs', client);
    this.write('server.mjs', server);
  }

  write(name: string, text: string): string {
    const path = join(this.dir, name);
    writeFileSync(path, text);
    return path;
  }

  get environment(): NodeJS.ProcessEnv {
    const { HOME: _home, NODE_OPTIONS: _options, ...rest } = process.env;
    return {
      ...Object.fromEntries(
        Object.entries(rest).filter(
          ([name]) => !/^npm_(config_(prefix|cache|local_prefix)|lifecycle|package|command|execpath)/.test(name) && name !== 'INIT_CWD',
        ),
      ),
      HOME: this.home,
      NPM_CONFIG_USERCONFIG: join(homedir(), '.npmrc'),
      npm_config_cache: join(this.home, '.npm'),
      PIPX_HOME: join(this.home, 'pipx'),
      PIPX_BIN_DIR: join(this.home, 'bin'),
      CLAUDECODE: '1',
    };
  }

  /** Lets a client start this command. The client's process is named `claude`. */
  start(command: string, args: readonly string[], more: { cwd?: string; env?: Record<string, string> } = {}): ChildProcess {
    const child = spawn(
      process.execPath,
      [
        join(this.dir, 'client.mjs'),
        JSON.stringify({ command, args, cwd: more.cwd ?? this.dir, env: more.env ?? {}, log: join(this.dir, 'output.log') }),
      ],
      {
        argv0: 'claude',
        cwd: this.dir,
        env: this.environment,
        // The test holds the other end, so that a server whose launcher is killed does not see the end of its input.
        stdio: ['pipe', 'ignore', 'inherit'],
      },
    );
    this.#started.push(child);
    return child;
  }

  /** Everything found below one client process, now. */
  async below(pid: number, definitions: readonly RawDefinition[]): Promise<readonly Attributed[]> {
    const rows = await this.#list(pid);
    const found = await attributeServers(rows, definitions, (row) => this.table.detail(row), { home: this.home });
    const tree = processTree(rows);
    return found.filter((one) => tree.ancestorsOf(one.server).some((row) => row.pid === pid));
  }

  async everything(definitions: readonly RawDefinition[]): Promise<readonly Attributed[]> {
    return attributeServers(await this.table.list(), definitions, (row) => this.table.detail(row), { home: this.home });
  }

  /** Waits until the same answer came twice. The delay between them is the subject: launchers come and go before the server stands. */
  async settled(child: ChildProcess, definitions: readonly RawDefinition[], limitMs = 100_000): Promise<readonly Attributed[]> {
    const pid = child.pid ?? 0;
    let last = '';
    for (const end = Date.now() + limitMs; Date.now() < end; ) {
      const found = await this.below(pid, definitions);
      const now = JSON.stringify(found.map((one) => [one.server.pid, one.launchers.map((row) => row.pid), one.server.commandLine]));
      if (found.length > 0 && now === last) {
        return found;
      }
      if (child.exitCode !== null) {
        throw new Error(
          `the client ended with ${child.exitCode}; its server said: ${readFileSync(join(this.dir, 'output.log'), 'utf8').slice(-1_000)}`,
        );
      }
      last = now;
      await new Promise((done) => setTimeout(done, 400));
    }
    throw new Error(
      `no server below PID ${pid}; there are: ${treeBelow(pid, await this.#list(pid))
        .map((row) => `${row.pid}<${row.ppid} ${row.commandLine.slice(0, 200)}`)
        .join(' ; ')}`,
    );
  }

  async #list(pid: number): Promise<readonly ProcessRow[]> {
    const rows = await this.table.list();
    for (const row of treeBelow(pid, rows)) {
      this.#seen.set(row.pid, row);
    }
    return rows;
  }

  /** Ends everything that was started here, by identity. */
  async close(): Promise<void> {
    for (const child of this.#started) {
      await this.#list(child.pid ?? 0);
    }
    for (const row of this.#seen.values()) {
      if (row.pid !== process.pid && (await this.table.isAlive(row.identity))) {
        try {
          process.kill(row.pid, 'SIGKILL');
        } catch {
          // Gone in between.
        }
      }
    }
    this.#seen.clear();
    this.#started.length = 0;
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

/** A process and everything below it; empty when it is not in the list. */
function treeBelow(pid: number, rows: readonly ProcessRow[]): readonly ProcessRow[] {
  const root = rows.find((row) => row.pid === pid);
  return root ? processTree(rows).treeOf(root) : [];
}
