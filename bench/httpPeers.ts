// Cost of a call through other proxies, each in the position that it is made for, compared with the guard: `node bench/httpPeers.ts [ROUNDS]`.
// They are installed from npm in exact versions into a folder that the bench removes. The added median counts (through the proxy − direct in the same
// position). Linux only.

import type { ChildProcess } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { HttpCaller, hello, load, Programs, pipeScript, serverScript } from './httpParts.ts';
import { median } from './measure.ts';

const rounds = Number(process.argv[2] ?? 15);
const callsPerRound = 100;
const versions = { 'mcp-proxy': '6.7.19', supergateway: '4.0.0', 'mcp-remote': '0.15.1' } as const;
const programs = new Programs();
const guardBundle = join(import.meta.dirname, '../dist/guard.cjs');
const echoServer = join(import.meta.dirname, 'echoServer.ts');

/** Some proxies listen on every interface and have no option for it. */
const onLoopback = `data:text/javascript,${encodeURIComponent(`
import net from 'node:net';
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...args) {
  const first = args[0];
  const port = typeof first === 'object' && first !== null ? first.port : first;
  return port === undefined || Number.isNaN(Number(port)) ? listen.apply(this, args)
    : listen.call(this, { port: Number(port), host: '127.0.0.1' }, args.find((arg) => typeof arg === 'function'));
};`)}`;

interface Caller {
  begin(): Promise<void>;
  call(method: string, params: object): Promise<unknown>;
  close(): void;
}

/** One client over stdin and stdout. */
class StdioCaller implements Caller {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, () => void>();
  #id = 0;
  #text = '';

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stderr?.resume();
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (this.#text + chunk).split('\n');
      this.#text = lines.pop() ?? '';
      for (const line of lines.filter((one) => one.startsWith('{'))) {
        this.#waiting.get(JSON.parse(line).id)?.();
      }
    });
  }

  async begin(): Promise<void> {
    await this.call('initialize', hello);
    this.#child.stdin?.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
  }

  call(method: string, params: object): Promise<void> {
    this.#id += 1;
    const id = this.#id;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#child.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    });
  }

  close(): void {
    this.#child.stdin?.end();
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

/** Waits for a proxy that does not print when it listens. */
async function untilItAnswers(port: number, args: readonly string[]): Promise<Caller> {
  const child = programs.spawn(args);
  child.stderr?.resume();
  for (const until = performance.now() + 60_000; ; ) {
    const caller = new HttpCaller(`http://127.0.0.1:${port}`);
    try {
      await caller.begin();
      return { begin: async () => undefined, call: (method, params) => caller.call(method, params), close: () => caller.close() };
    } catch (error) {
      caller.close();
      if (performance.now() > until || child.exitCode !== null) {
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

try {
  const home = join(programs.root, 'peers');
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), '{"private":true}');
  const specs = Object.entries(versions).map(([name, version]) => `${name}@${version}`);
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', '--ignore-scripts', ...specs], {
    cwd: home,
    stdio: 'inherit',
  });
  const peer = (path: string): string => join(home, 'node_modules', path);
  const stdio = [process.execPath, echoServer];
  const [proxyPort, gatewayPort] = [await freePort(), await freePort()];
  const server = await programs.start('-e', serverScript);
  const url = `${server.origin}/mcp`;
  const http = async (...args: readonly string[]): Promise<Caller> => new HttpCaller((await programs.start(...args)).origin);
  const piped = (...args: readonly string[]): Caller => new StdioCaller(programs.spawn(args, 'pipe'));
  const positions: readonly { readonly what: string; readonly ways: readonly (readonly [string, Caller])[] }[] = [
    {
      what: 'client HTTP, server HTTP',
      ways: [
        ['direct', new HttpCaller(server.origin)],
        ['bare pipe of Node', await http('-e', pipeScript, server.origin)],
        ['guard --http', await http(guardBundle, '--http', '--listen', '0', '--upstream', server.origin)],
      ],
    },
    {
      what: 'client HTTP, server stdio',
      ways: [
        ['direct (stdio)', piped(echoServer)],
        [
          `mcp-proxy ${versions['mcp-proxy']}`,
          await untilItAnswers(proxyPort, [
            ...['--import', onLoopback, peer('mcp-proxy/dist/bin/mcp-proxy.mjs'), '--host', '127.0.0.1', '--port', String(proxyPort)],
            ...['--server', 'stream', '--', ...stdio],
          ]),
        ],
        [
          `supergateway ${versions.supergateway}`,
          await untilItAnswers(gatewayPort, [
            ...[
              '--import',
              onLoopback,
              peer('supergateway/dist/index.js'),
              '--stdio',
              stdio.join(' '),
              '--outputTransport',
              'streamableHttp',
            ],
            ...['--stateful', '--logLevel', 'none', '--port', String(gatewayPort)],
          ]),
        ],
      ],
    },
    {
      what: 'client stdio, server HTTP',
      ways: [
        ['direct (HTTP)', new HttpCaller(server.origin)],
        [`mcp-remote ${versions['mcp-remote']}`, piped(peer('mcp-remote/dist/proxy.js'), url, '--transport', 'http-only', '--silent')],
        [`supergateway ${versions.supergateway}`, piped(peer('supergateway/dist/index.js'), '--streamableHttp', url, '--logLevel', 'none')],
      ],
    },
  ];
  const all = positions.flatMap(({ ways }) => ways.map(([, caller]) => caller));
  for (const caller of all) {
    await caller.begin();
  }
  const times = all.map((): number[] => []);
  // In turn, so that other load on the machine affects all alike; the first round warms up.
  for (let round = 0; round <= rounds; round += 1) {
    for (const [way, caller] of all.entries()) {
      for (let count = 0; count < callsPerRound; count += 1) {
        const begin = performance.now();
        await caller.call('tools/call', { name: 'echo', arguments: { text: 'hello' } });
        if (round > 0) {
          times[way]?.push(performance.now() - begin);
        }
      }
    }
  }
  const medians = times.map(median);
  const bare = (medians[1] ?? 0) - (medians[0] ?? 0);
  console.log(`${rounds} × ${callsPerRound} calls each, one after the other, Node ${process.version}, ${load()}`);
  console.log('| position | through | median ms | added ms | × the bare pipe |\n| --- | --- | --- | --- | --- |');
  let way = 0;
  for (const { what, ways } of positions) {
    const direct = medians[way] ?? 0;
    for (const [name] of ways) {
      const through = medians[way] ?? 0;
      const added = through - direct;
      const columns = through === direct ? ['–', '–'] : [added.toFixed(3), (added / bare).toFixed(1)];
      console.log(`| ${what} | ${name} | ${through.toFixed(3)} | ${columns.join(' | ')} |`);
      way += 1;
    }
  }
  for (const caller of all) {
    caller.close();
  }
} finally {
  await programs.stop();
}
