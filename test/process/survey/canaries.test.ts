// A table: the files of all clients, in every format that holds entries, each with a secret in every place where an entry may have one. No output of the command line, no text
// of the views, no log and no file that MCP Shepherd writes holds one. Running servers have the same secrets in their words and variables.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readPlanContext } from '../../../src/action/execute/planContext.ts';
import type { Log } from '../../../src/base/log.ts';
import { runCommandLine } from '../../../src/cli/runCommandLine.ts';
import type { Output, Shell } from '../../../src/cli/terminal.ts';
import type { FormatId } from '../../../src/clients/clientDescription.ts';
import { clientTable } from '../../../src/clients/clientTable.ts';
import { agentExplanation, agentStatus } from '../../../src/mcp/agentAnswers.ts';
import type { Definition } from '../../../src/model/definition.ts';
import { assertNames } from '../../names.ts';
import { display, type Shown } from '../fuzz/readPaths.ts';
import { nodeServer } from './tinyServers.ts';
import { makeWorld, settled, type World } from './world.ts';

const isLong = process.env.TEST_LONG === '1';
/** Stands in each secret. */
const mark = 'c4nRy';

interface Entry {
  readonly command?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly envFile?: string;
}

/** The places of a secret; `canary` is the secret, `envFile` the path of a file with variables. */
const positions: Readonly<Record<string, (canary: string, envFile: string) => Entry>> = {
  variable: (canary) => ({ command: 'npx', args: ['-y', 'notes-mcp'], env: { DB_PASSWORD: canary } }),
  'variable without a telling name': (canary) => ({
    command: 'npx',
    args: ['-y', 'notes-mcp', '--like', canary],
    env: { SETTING: canary },
  }),
  'variable with JSON': (canary) => ({
    command: 'npx',
    args: ['-y', 'notes-mcp'],
    env: { CONFIG: JSON.stringify({ a: { password: canary } }) },
  }),
  'variable with a connection string': (canary) => ({
    command: 'npx',
    args: ['-y', 'notes-mcp'],
    env: { DSN: `Server=db;User Id=me;Password=${canary};Database=x` },
  }),
  header: (canary) => ({ url: 'https://example.test/mcp', headers: { Authorization: `Bearer ${canary}` } }),
  'header of any name': (canary) => ({ url: `https://example.test/${canary}`, headers: { 'X-Thing': canary } }),
  'env file': (canary, envFile) => ({ command: 'npx', args: ['-y', 'notes-mcp', '--like', canary], envFile }),
  'user of an address': (canary) => ({ url: `https://me:${canary}@example.test/mcp` }),
  'query of an address': (canary) => ({ url: `https://example.test/mcp?key=${canary}&x=1` }),
  'fragment of an address': (canary) => ({ url: `https://example.test/mcp#token=${canary}` }),
  'short segment of an address': (canary) => ({ url: `https://example.test/token/${canary}/mcp` }),
  'after an option': (canary) => ({ command: 'npx', args: ['notes-mcp', '--api-key', canary] }),
  'in an option': (canary) => ({ command: 'npx', args: ['notes-mcp', `--token=${canary}`] }),
  'connection string': (canary) => ({ command: 'npx', args: ['notes-mcp', `Server=db;User Id=me;Password=${canary};Database=x`] }),
  'address in an argument': (canary) => ({ command: 'npx', args: ['notes-mcp', `postgres://me:${canary}@db:5432/x`] }),
  'header in two words': (canary) => ({
    command: 'npx',
    args: ['mcp-remote', 'https://example.test/mcp', '--header', 'X-Api-Key', canary],
  }),
  'header in three words': (canary) => ({
    command: 'npx',
    args: ['mcp-remote', 'https://example.test/mcp', '--header', 'Authorization:', 'Bearer', canary],
  }),
  'glued to a letter': (canary) => ({ command: 'mysql', args: ['-ume', `-p${canary}`, 'shop'] }),
  'text of a shell': (canary) => ({ command: 'sh', args: ['-c', `DB_PASSWORD=${canary} exec notes-mcp --token ${canary}`] }),
};

/** Files of these formats switch servers or plugins; they hold no entry. Those of plugins are found through such a list. */
const withoutEntries: ReadonlySet<FormatId> = new Set([
  'claude-settings',
  'copilot-settings',
  'plugin-list',
  'plugin-mcp',
  'plugin-manifest',
  'marketplace',
  'extension-states',
]);

type Named = Readonly<Record<string, Entry>>;

const mapKeys: Partial<Record<FormatId, readonly string[]>> = {
  'vscode-mcp': ['servers'],
  'vscode-settings': ['mcp', 'servers'],
  'vscode-workspace': ['settings', 'mcp', 'servers'],
  'amp-settings': ['amp.mcpServers'],
  'opencode-config': ['mcp'],
  'copilot-ide': ['servers'],
  'mcp-map': ['mcp'],
  'openclaw-config': ['mcp', 'servers'],
  'context-servers': ['context_servers'],
  'goose-config': ['extensions'],
  'hermes-config': ['mcp_servers'],
};

function inForm(format: FormatId, { command, args = [], env, ...rest }: Entry): object {
  if (format === 'opencode-config') {
    return command === undefined ? { type: 'remote', ...rest } : { type: 'local', command: [command, ...args], environment: env, ...rest };
  }
  return format === 'goose-config'
    ? { type: command === undefined ? 'streamable_http' : 'stdio', cmd: command, args, envs: env, uri: rest.url, ...rest, enabled: true }
    : { command, args: command === undefined ? undefined : args, env, ...rest };
}

const toml = (value: unknown): string =>
  Array.isArray(value)
    ? `[${value.map(toml).join(', ')}]`
    : typeof value === 'object' && value !== null
      ? `{ ${Object.entries(value)
          .map(([name, item]) => `${JSON.stringify(name)} = ${toml(item)}`)
          .join(', ')} }`
      : JSON.stringify(value);

function tomlTable(header: string, entry: object): string {
  const lines = Object.entries(entry).flatMap(([name, value]) => (value === undefined ? [] : [`${name} = ${toml(value)}`]));
  return `${header}\n${lines.join('\n')}\n`;
}

/** JSON is YAML too. @param input the secret in an input of VS Code */
function fileText(format: FormatId, servers: Named, input: string, project: string): string {
  const entries = Object.entries(servers).map(([name, entry]) => [name, inForm(format, entry)] as const);
  switch (format) {
    case 'codex-config':
      return [
        // The user's file: Codex reads that of a project where the user trusts it.
        tomlTable(`[projects.${JSON.stringify(project)}]`, { trust_level: 'trusted' }),
        ...entries.map(([name, entry]) => tomlTable(`[mcp_servers.${JSON.stringify(name)}]`, entry)),
      ].join('\n');
    case 'vibe-config':
      return entries.map(([name, entry]) => tomlTable('[[mcp_servers]]', { name, ...entry })).join('\n');
    case 'mcpb-manifest': {
      const [name, entry] = entries[0] ?? [];
      return JSON.stringify({ name, server: { mcp_config: entry } });
    }
    case 'augment-settings':
      return JSON.stringify({ 'augment.advanced': { mcpServers: entries.map(([name, entry]) => ({ name, ...entry })) } });
    default: {
      const path = mapKeys[format] ?? ['mcpServers'];
      const map = path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), Object.fromEntries(entries));
      return JSON.stringify(
        { ...(map as object), inputs: [{ id: 'key', type: 'promptString', password: true, default: input }] },
        undefined,
        1,
      );
    }
  }
}

describe('secrets of all clients in all places', function () {
  this.timeout(isLong ? 3_600_000 : 1_200_000);
  let world: World;
  const written: { readonly name: string; readonly client: string; readonly format: FormatId; readonly what: string }[] = [];

  before(function () {
    if (process.platform !== 'linux') {
      console.log('skipped: files lie where Linux has them');
      this.skip();
    }
    world = makeWorld();
  });
  after(async () => world?.remove());

  /** Writes one file for each path of each client. The names of the entries tell file and place. @param running more entries of Cursor */
  function writeFiles(running: Named, damage = (text: string): string => text): void {
    written.length = 0;
    const places = { home: world.home, platform: 'linux', env: {} } as const;
    const taken = new Map<string, FormatId>();
    const wholes = new Map<string, string>();
    let number = 0;
    for (const row of clientTable.filter(({ systems }) => systems?.includes('linux') ?? true)) {
      for (const { at, format } of row.files.filter(({ format: one }) => !withoutEntries.has(one))) {
        const paths =
          at.kind === 'fixed'
            ? at.paths(places).slice(0, 1)
            : at.kind === 'user-dir'
              ? (row.userDirs?.(places) ?? [join(world.home, '.config', 'Code', 'User')])
                  .slice(0, 1)
                  .map((dir) => join(dir, at.paths[0] ?? ''))
              : at.kind === 'folder'
                ? at.paths.slice(0, 1).map((path) => join(world.home, 'work', path))
                : at.kind === 'workspace-file'
                  ? [join(world.home, 'work', 'x.code-workspace')]
                  : [];
        for (const path of paths.map((one) => one.replaceAll('*', 'one')).filter((one) => one.startsWith(world.home))) {
          if (taken.has(path) && (taken.get(path) === format || format !== 'augment-settings')) {
            continue;
          }
          taken.set(path, format);
          number += 1;
          const own = format === 'mcpb-manifest' ? Object.entries(positions).slice(0, 1) : Object.entries(positions);
          const servers = own.map(([what, make], index) => {
            const name = `f${number}p${index}`;
            const canary = `7${mark}${number}x${index}Qz4`;
            written.push({ name, client: row.id, format, what });
            if (what === 'env file') {
              world.write(`env/${number}`, `# mine\nexport SETTING="${canary}"\n`);
            }
            return [name, make(canary, join(world.home, 'env', String(number)))] as const;
          });
          // Augment's extension keeps its servers in the settings of the editor.
          const settings = format === 'augment-settings' && wholes.has(path) ? (JSON.parse(wholes.get(path) ?? '') as object) : undefined;
          const text = fileText(
            format,
            { ...Object.fromEntries(servers), ...(path === join(world.home, '.cursor', 'mcp.json') ? running : {}) },
            `7${mark}${number}inQz4`,
            join(world.home, 'work'),
          );
          const whole = settings ? JSON.stringify({ ...settings, ...(JSON.parse(text) as object) }) : text;
          wholes.set(path, whole);
          world.write(path.slice(world.home.length + 1), damage(whole));
        }
      }
    }
  }

  it('are in no output, no view, no log and no file of MCP Shepherd', async () => {
    world.write('work/package.json', '{}');
    // Servers that run, with the words of entries of Cursor.
    const script = nodeServer(join(world.root, 'server'));
    const running: Record<string, Entry> = {
      'runs-after-option': { command: process.execPath, args: [script, '--api-key', `7${mark}r1Qz4`], env: { API_TOKEN: `7${mark}r2Qz4` } },
      'runs-with-address': { command: process.execPath, args: [script, `postgres://me:7${mark}r3Qz4@db:5432/x`] },
      'runs-with-connection': { command: process.execPath, args: [script, `Server=db;Password=7${mark}r4Qz4;Database=x`] },
      'runs-with-header': { command: process.execPath, args: [script, '--header', 'Authorization:', 'Bearer', `7${mark}r5Qz4`] },
      'runs-with-like': { command: process.execPath, args: [script, '--like', `7${mark}r6Qz4`], env: { SETTING: `7${mark}r6Qz4` } },
    };
    writeFiles(running);
    const pids: number[] = [];
    for (const { command = '', args = [], env } of Object.values(running)) {
      pids.push((await world.start(command, [...args], { cwd: world.root, env: { ...process.env, ...env } })).pid);
    }
    const shown: { where: string; text: string }[] = [];
    const texts: Shown[] = [];
    const line = (text: string): void => void shown.push({ where: 'log', text });
    const log: Log = { debug: line, info: line, warn: line, error: line };
    const folders = [join(world.home, 'work')];
    const surveyor = await world.observer({
      health: 'terminal',
      folders,
      log,
      workspaceFiles: [join(world.home, 'work', 'x.code-workspace')],
      vscodeUserDirs: [join(world.home, '.config', 'Code', 'User')],
    });
    const snapshot = await settled(surveyor);
    // The control: every entry was read, and every server was found.
    const found = new Map(snapshot.definitions.map((definition: Definition) => [definition.name, definition]));
    const missing = [
      ...new Set(
        written
          .filter(({ name }) => !found.has(name))
          .map(({ name, client, format, what }) => `${client} ${format} ${name.split('p')[0]}: ${format === 'mcp-servers' ? '' : what}`),
      ),
    ];
    assert.deepEqual(missing, []);
    const formats = new Set(written.map(({ format }) => format));
    const all = new Set(
      clientTable.flatMap(({ files }) => files.map(({ format }) => format)).filter((format) => !withoutEntries.has(format)),
    );
    assert.deepEqual(
      [...all].filter((format) => !formats.has(format)),
      [],
    );
    assert.deepEqual(
      pids.filter((pid) => !snapshot.instances.some(({ tree }) => tree.includes(pid))),
      [],
    );
    shown.push({ where: 'snapshot', text: JSON.stringify(snapshot) });
    shown.push({
      where: 'answer to an agent',
      text: JSON.stringify([agentStatus(snapshot), ...pids.map((pid) => agentExplanation(String(pid), snapshot))]),
    });
    const tree = { home: world.home, runDir: world.runDir, project: folders[0] };
    display(
      { tree, shown: texts } as unknown as Parameters<typeof display>[0],
      snapshot,
      await readPlanContext(world.runDir, 'linux', snapshot),
    );
    await runCommands(shown, [
      ['status'],
      ['status', '--json'],
      ...['client', 'server', 'package'].map((by) => ['status', '--by', by]),
      ['doctor', '-v'],
      ['doctor', '--json'],
      ['doctor', '--fix'],
      ...pids.map((pid) => ['explain', String(pid), '-v']),
      ['explain', 'runs-after-option', '--json'],
      ['stop', String(pids[0]), '--dry-run'],
      ['prune', '--dry-run'],
      ['protect', '--all', '--dry-run'],
      ...['f1p0', 'runs-with-connection'].flatMap((name) => [
        ['protect', name, '--dry-run'],
        ['protect', name, '--dry-run', '--json'],
      ]),
      ['copy', 'runs-after-option', '--from', 'cursor', '--to', 'kiro', '--dry-run'],
      ['copy', 'runs-with-connection', '--from', 'cursor', '--to', 'codex', '--dry-run'],
      ['watch'],
      ['watch', '--json'],
      ['restart', String(pids[0]), '--dry-run'],
      ['restart', String(pids[1]), '--yes', '--json'],
      ['upgrade', String(pids[0]), '--dry-run'],
      ['logs', 'runs-after-option'],
      ['copy', 'runs-with-address', '--from', 'cursor', '--to', 'kiro', '--yes'],
      ['protect', 'runs-with-header', '--client', 'cursor', '--yes', '--json'],
      ['unprotect', 'runs-with-header', '--client', 'cursor', '--yes'],
      ['stop', String(pids[0]), '--yes'],
      ['history'],
      ['history', '--json'],
    ]);
    const after = await settled(surveyor);
    display({ tree, shown: texts } as unknown as Parameters<typeof display>[0], after, await readPlanContext(world.runDir, 'linux', after));
    shown.push(...texts);
    // The control: the words beside the secrets are shown.
    for (const where of [
      'snapshot',
      'status --json',
      `explain ${pids[0]} -v`,
      'protect f1p0 --dry-run',
      'copy runs-after-option --from cursor --to kiro --dry-run',
    ]) {
      assertNames(
        shown.flatMap((one) => (one.where === where ? [one.text] : [])).join(''),
        where.startsWith('protect') ? 'notes-mcp' : script,
      );
    }
    const faults = shown.filter(({ text }) => text.includes(mark)).map(({ where, text }) => `${where}: ${near(text)}`);
    faults.push(...filesWith(world.runDir).map(({ path, text }) => `${path.slice(world.runDir.length)}: ${near(text)}`));
    assert.deepEqual(faults.slice(0, 20), []);
  });

  /** What is wrong with a file, at the secrets in it. */
  const damages: Readonly<Record<string, (text: string) => string>> = {
    'the file ends within a secret': (text) => text.slice(0, text.lastIndexOf(mark) + mark.length),
    'the first secret has no end': (text) => text.replace(new RegExp(`(${mark}\\w+)["']`), '$1'),
    'no secret has an end': (text) => text.replaceAll(new RegExp(`(${mark}\\w+)["']`, 'g'), '$1'),
    'a wrong escape before a secret': (text) => text.replaceAll(`7${mark}`, `\\q7${mark}`),
    'a word behind a secret': (text) => text.replaceAll(new RegExp(`(${mark}\\w+["'])`, 'g'), '$1 x'),
    'no separator behind a secret': (text) => text.replaceAll(new RegExp(`(${mark}\\w+["']),`, 'g'), '$1'),
    'texts where lists are': (text) => text.replaceAll(/\[([^[\]]*c4nRy[^[\]]*)\]/g, '"$1"').replaceAll(/"(".*?")"/g, '$1'),
    'lists where texts are': (text) => text.replaceAll(new RegExp(`("[^"\\n]*${mark}[^"\\n]*")`, 'g'), '[$1]'),
    'numbers that are no port': (text) => text.replaceAll('example.test/', 'example.test:99999999/'),
  };

  it('are in no message about a file that is broken', async () => {
    const shown: { where: string; text: string }[] = [];
    let broken = 0;
    for (const [what, damage] of Object.entries(damages)) {
      writeFiles({}, damage);
      const texts: Shown[] = [];
      const folders = [join(world.home, 'work')];
      const log: Log = Object.fromEntries(
        ['debug', 'info', 'warn', 'error'].map((level) => [
          level,
          (text: string): void => void shown.push({ where: `${what}: log`, text }),
        ]),
      ) as unknown as Log;
      const surveyor = await world.observer({
        health: 'terminal',
        folders,
        log,
        vscodeUserDirs: [join(world.home, '.config', 'Code', 'User')],
      });
      const snapshot = await surveyor.survey();
      broken += snapshot.problems.length;
      shown.push({ where: `${what}: snapshot`, text: JSON.stringify(snapshot) });
      display(
        { tree: { home: world.home, runDir: world.runDir, project: folders[0] }, shown: texts } as unknown as Parameters<typeof display>[0],
        snapshot,
        await readPlanContext(world.runDir, 'linux', snapshot),
      );
      shown.push(...texts.map(({ where, text }) => ({ where: `${what}: ${where}`, text })));
      const said: typeof shown = [];
      await runCommands(said, [
        ['doctor', '-v'],
        ...(isLong
          ? [
              ['status'],
              ['doctor', '--json'],
              ['doctor', '--fix'],
              ['protect', '--all', '--dry-run'],
              ['ensure', 'f1p4'],
              ['restart', 'f1p0', '--yes'],
            ]
          : []),
      ]);
      shown.push(...said.map(({ where, text }) => ({ where: `${what}: ${where}`, text })));
    }
    const faults = shown.filter(({ text }) => text.includes(mark)).map(({ where, text }) => `${where}: ${near(text)}`);
    faults.push(...filesWith(world.runDir).map(({ path, text }) => `${path.slice(world.runDir.length)}: ${near(text)}`));
    // The control: most damages make a problem of most files.
    assert.ok(broken > 200, String(broken));
    assert.deepEqual(faults.slice(0, 60), []);
  });

  async function runCommands(shown: { where: string; text: string }[], commands: readonly (readonly string[])[]): Promise<void> {
    for (const argv of commands) {
      const output = (): Output => ({
        isTty: false,
        size: () => undefined,
        write: (text) => void shown.push({ where: argv.join(' '), text }),
      });
      const shell: Shell = {
        stdout: output(),
        stderr: output(),
        env: { HOME: world.home, PATH: process.env.PATH, MCP_RUN_DIR: world.runDir },
        cwd: join(world.home, 'work'),
        home: world.home,
        platform: 'linux',
        now: Date.now,
        ended: AbortSignal.abort(),
        endOnSignals() {},
        onResize: () => () => undefined,
      };
      const before = shown.length;
      await runCommandLine([...argv, '--run-dir', world.runDir], shell);
      assert.ok(shown.length > before, `${argv.join(' ')} says nothing`);
    }
  }

  /** The part of a text that holds a secret, so that a failing test names it. */
  function near(text: string): string {
    const at = text.indexOf(mark);
    return text.slice(Math.max(0, at - 80), at + 20);
  }

  /** Files below a folder that hold a secret. Copies of client files (`backups`) are those files. */
  function filesWith(folder: string): { readonly path: string; readonly text: string }[] {
    return (existsSync(folder) ? readdirSync(folder) : []).flatMap((name) => {
      const path = join(folder, name);
      const stat = statSync(path);
      if (stat.isDirectory()) {
        return name === 'backups' ? [] : filesWith(path);
      }
      const text = stat.isFile() ? readFileSync(path, 'latin1') : '';
      return text.includes(mark) ? [{ path, text }] : [];
    });
  }
});
