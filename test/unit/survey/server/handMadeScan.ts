import { deepEqual, ok } from 'node:assert/strict';
import { chmodSync, rmSync } from 'node:fs';
import { afterEach, beforeEach } from 'mocha';
import { silentLog } from '../../../../src/base/log.ts';
import type { ProcessDetail, ProcessRow } from '../../../../src/model/process.ts';
import type { Instance } from '../../../../src/model/snapshot.ts';
import { unidentifiedRow } from '../../../../src/process/commandline/parseLaunch.ts';
import { createSurveyor } from '../../../../src/survey/machineSurveyor.ts';
import type { Surveyor } from '../../../../src/survey/surveyor.ts';
import { tableOf } from '../../../everySnapshot.ts';
import { detailOf, TempTree, type Tree } from '../../package/tree.ts';

export const node = '/usr/bin/node';
export const script = 'node_modules/tiny-mcp/server.js';
export const stale = ['stale/replaced-beside/proven'];

/** The server is process 20; its client, a Claude Code unless said otherwise, is process 10. */
export interface HandMadeServer {
  readonly argv: readonly string[];
  readonly client?: string;
  readonly exe?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Environment of the client. */
  readonly clientEnv?: Readonly<Record<string, string>>;
  /** The directory; undefined: it cannot be read. */
  readonly cwd?: string;
  /** The launcher between the client and the server, process 15, with what can be read of it. */
  readonly outer?: { readonly argv: readonly string[]; readonly detail: ProcessDetail } | undefined;
}

/** A package made for MCP with one dependency. */
export function release(folder: string, version: string, dependency = '1.0.0'): Tree {
  const root = folder.startsWith('releases/') ? `${folder}/node_modules/tiny-mcp` : folder;
  return {
    [`${root}/package.json`]: { name: 'tiny-mcp', version, dependencies: { below: '*' } },
    [`${root}/server.js`]: '',
    [`${root}/node_modules/below/package.json`]: { name: 'below', version: dependency },
  };
}

/** Labels of the stale findings. */
export function staleLabels({ findings }: Instance): string[] {
  return findings
    .filter(({ kind }) => kind === 'stale' || kind === 'files-gone')
    .map(({ kind, subKind, confidence }) => [kind, subKind, confidence].filter(Boolean).join('/'));
}

/** Whole scans over a server made by hand: what is read is on disk, nothing runs. Its hooks belong to the suite that makes it. */
export class HandMadeScan {
  tree = new TempTree();
  /** The processes start in the future of the files, so that these are older; the clock is later still. Epoch ms. */
  startedAt = 0;
  #surveyor: Surveyor | undefined;

  constructor() {
    this.tree.remove();
    beforeEach(() => {
      this.tree = new TempTree().write({ 'home/readme': '' });
      chmodSync(this.tree.root, 0o700);
      this.startedAt = Date.now() + 10_000;
    });
    afterEach(() => {
      this.#surveyor?.dispose();
      this.tree.remove();
    });
  }

  readonly at = (...parts: readonly string[]): string => this.tree.path(...parts);

  /** Writes files anew, so that a link or a file takes the place of an older one. */
  readonly write = (files: Tree): void => {
    for (const file of Object.keys(files)) {
      rmSync(this.at(file), { force: true });
    }
    this.tree.write(files);
  };

  readonly entries = (...commands: readonly (readonly string[])[]): void => {
    const servers = commands.map(([command, ...args], index) => [`tiny${index}`, { command, args }]);
    this.write({ 'home/.claude.json': { mcpServers: Object.fromEntries(servers) } });
  };

  /** A new observer. @param runFolder with another one it knows nothing of what earlier ones saw */
  readonly observe = async (
    { argv, client = 'claude', exe = node, env = {}, clientEnv = {}, cwd, outer }: HandMadeServer,
    runFolder = 'run',
  ): Promise<void> => {
    this.#surveyor?.dispose();
    const own = detailOf({ exe, env, ...(cwd === undefined ? {} : { cwd }) });
    const rows = [this.#row(10, 1, [client]), ...(outer ? [this.#row(15, 10, outer.argv)] : []), this.#row(20, outer ? 15 : 10, argv)];
    const detail = async ({ pid }: ProcessRow): Promise<ProcessDetail> =>
      pid === 20 ? own : pid === 15 && outer ? outer.detail : detailOf({ cwd: this.tree.root, env: clientEnv });
    this.#surveyor = await createSurveyor({
      home: this.at('home'),
      platform: 'linux',
      env: { HOME: this.at('home') },
      runDir: this.at(runFolder),
      folders: [],
      vscodeUserDirs: [],
      log: silentLog,
      table: tableOf(rows, detail),
      clock: { now: () => this.startedAt + 60_000, uptime: () => 600_000 },
    });
  };

  readonly look = async (): Promise<Instance> => {
    ok(this.#surveyor);
    this.#surveyor.allChanged();
    const { instances, problems } = await this.#surveyor.survey();
    deepEqual(problems, []);
    const [instance, ...others] = instances;
    ok(instance && others.length === 0, `${instances.length} servers`);
    return instance;
  };

  /** How many servers are listed. */
  readonly count = async (): Promise<number> => (await this.#surveyor?.survey())?.instances.length ?? -1;

  /** Running version, installed version, stale findings. */
  readonly verdict = async (): Promise<unknown[]> => {
    const instance = await this.look();
    return [instance.package?.running, instance.package?.installed, staleLabels(instance)];
  };

  #row(pid: number, ppid: number, argv: readonly string[]): ProcessRow {
    const identity = { bootId: 'boot-1', pidNamespace: '4026531836', pid, start: `lx:${pid}000` };
    const name = argv[0]?.replace(/.*\//, '') ?? '';
    return { ...unidentifiedRow({ pid, ppid, name, argv, argvExact: true }), identity, startedAt: this.startedAt };
  }
}
