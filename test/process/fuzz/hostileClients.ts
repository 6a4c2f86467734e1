import { join } from 'node:path';
import type { FormatId } from '../../../src/clients/clientDescription.ts';
import { clientTable } from '../../../src/clients/clientTable.ts';
import { canaryMark, madeSecret } from '../../unit/redaction/secretGenerator.ts';
import type { HostileTree } from './hostileFiles.ts';
import { evilHost, hostileText, hostileValue } from './hostileText.ts';

/** A server that an entry names: the processes of the world run some of them. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Words that start a package of the world. */
export type Commands = readonly (readonly string[])[];

interface ClientWorld {
  readonly tree: HostileTree;
  readonly commands: Commands;
  /** Port of the hostile HTTP server. */
  readonly port: number;
  readonly launches: Launch[];
  readonly names: string[];
}

const quoted = (text: string): string => JSON.stringify(text);

/** JSON text of an object. Keys may come twice, and `__proto__` is a key like others. */
function object(pairs: readonly (readonly [string, string])[]): string {
  return `{${pairs.map(([key, value]) => `${quoted(key)}: ${value}`).join(',\n')}}`;
}

/** The words of an entry. The process that it started has the same, but no secret that only a readable entry explains. */
function launchOf(world: ClientWorld): Launch {
  const {
    tree: { chance },
    commands,
  } = world;
  const { entry: made, byShape } = madeSecret(chance.seed * 100 + chance.below(100));
  const env: Record<string, string> = { API_TOKEN: chance.secret(), ...(made.env ?? {}) };
  if (chance.is(0.3)) {
    const name = hostileText(chance).slice(0, 50).replace(/[=\0]/g, '');
    env[name === '' ? 'X' : name] = `${chance.secret()}${chance.is(0.02) ? 'A'.repeat(40_000) : ''}`;
  }
  const [command = 'node', ...args] = chance.is(0.15) ? [made.command ?? 'server'] : chance.pick(commands);
  const secrets = made.command === 'sh' ? [] : (made.args ?? []);
  const more = chance.some(3, () => hostileText(chance));
  const known = chance.is(0.2) ? [env.API_TOKEN ?? ''] : [];
  const program = chance.is(0.05) ? hostileText(chance) : command;
  world.launches.push({ command: program, args: [...args, ...(byShape ? secrets : []), ...more], env });
  return { command: program, args: [...args, ...secrets, ...more, ...known], env };
}

function entryText(world: ClientWorld, format: FormatId): string {
  const { chance } = world.tree;
  if (chance.is(0.06)) {
    return JSON.stringify(hostileValue(chance)) ?? 'null';
  }
  if (chance.is(0.2)) {
    const made = madeSecret(chance.seed * 100 + chance.below(100)).entry;
    const url = chance.pick([
      `http://127.0.0.1:${world.port}/mcp`,
      `http://localhost:${world.port}/mcp?key=${chance.secret()}`,
      `http://me:${chance.secret()}@${evilHost}/mcp`,
      `http://${evilHost}:${world.port}/`,
      made.url ?? hostileText(chance),
    ]);
    const headers = object([
      ['Authorization', quoted(`Bearer ${chance.secret()}`)],
      [hostileText(chance), quoted(chance.secret())],
      ...Object.entries(made.headers ?? {}).map(([name, value]) => [name, quoted(value)] as const),
    ]);
    return object([
      ['type', quoted(chance.pick(['http', 'sse', 'remote', hostileText(chance)]))],
      ['url', quoted(url)],
      ['headers', headers],
    ]);
  }
  const launch = launchOf(world);
  const env = object(Object.entries(launch.env).map(([name, value]) => [name, quoted(value)] as const));
  const args = JSON.stringify(launch.args);
  // First: of equal keys the last counts.
  const odd: (readonly [string, string])[] = chance.is(0.15)
    ? [
        [
          chance.pick(['args', 'env', 'cwd', 'envFile', 'disabled', 'type', '__proto__', 'command']),
          JSON.stringify(hostileValue(chance)) ?? '0',
        ],
      ]
    : [];
  return format === 'opencode-config'
    ? object([...odd, ['environment', env], ['type', '"local"'], ['command', JSON.stringify([launch.command, ...launch.args])]])
    : object([...odd, ['env', env], ['command', quoted(launch.command)], ['args', args]]);
}

function nameOf({ tree: { chance }, names }: ClientWorld): string {
  const name = chance.is(0.4) ? chance.pick(['notes', 'files', 'search', 'mail']) : hostileText(chance).slice(0, 2_000);
  names.push(name);
  return name;
}

function serversText(world: ClientWorld, format: FormatId): string {
  const { chance } = world.tree;
  if (chance.is(0.0007)) {
    return object(Array.from({ length: 60_000 }, (_, index) => [`s${index}`, '{"command":"x"}'] as const));
  }
  return object(chance.some(4, () => [nameOf(world), entryText(world, format)] as const));
}

const toml = (text: string): string => JSON.stringify(text).replaceAll('\\ud800', '\\ufffd').replaceAll('\x7f', '\\u007f');

function codexText(world: ClientWorld): string {
  const { chance, project } = world.tree;
  const entries = chance.some(4, () => {
    const launch = launchOf(world);
    const name = chance.is(0.5) ? 'notes' : toml(nameOf(world));
    const env = Object.entries(launch.env).map(([key, value]) => `${toml(key)} = ${toml(value)}`);
    const odd = chance.is(0.15)
      ? `${chance.pick(['args', 'command', 'x'])} = ${chance.pick(['[1, [2]]', '{a={b=1}}', '1979-05-27', "'''x'''", '"""'])}\n`
      : '';
    // The variables come first: a file that is cut behind the arguments would not say which of them is a secret.
    return `[mcp_servers.${name}.env]\n${env.join('\n')}\n[mcp_servers.${name}]\ncommand = ${toml(launch.command)}\nargs = [${launch.args.map(toml).join(', ')}]\n${odd}`;
  });
  return `[projects.${toml(project)}]\ntrust_level = "trusted"\n${chance.is(0.1) ? `x = ${'['.repeat(3_000)}\n` : ''}${entries.join('\n')}`;
}

/** JSON is YAML too. */
const otherKeys: Partial<Record<FormatId, string>> = {
  'copilot-ide': 'servers',
  'mcp-map': 'mcp',
  'context-servers': 'context_servers',
  'goose-config': 'extensions',
  'hermes-config': 'mcp_servers',
};

function fileText(world: ClientWorld, format: FormatId): string {
  const { chance, project } = world.tree;
  const servers = (): string => serversText(world, format);
  switch (format) {
    case 'codex-config':
      return codexText(world);
    case 'vscode-mcp':
      return object([
        ['servers', servers()],
        ['inputs', JSON.stringify(hostileValue(chance)) ?? '[]'],
      ]);
    case 'vscode-settings':
      return object([
        chance.is(0.5) ? ['mcp', object([['servers', servers()]])] : ['mcp.servers', servers()],
        ['x.token', quoted(chance.secret())],
      ]);
    case 'vscode-workspace':
      return object([
        ['folders', JSON.stringify([{ path: project }, { path: '..' }, { path: hostileText(chance) }, hostileValue(chance)])],
        ['settings', object([['mcp', object([['servers', servers()]])]])],
      ]);
    case 'amp-settings':
      return object([['amp.mcpServers', servers()]]);
    case 'opencode-config':
      return object([['mcp', servers()]]);
    case 'claude-state':
      return object([
        ['mcpServers', servers()],
        ['oauthAccount', object([['accessToken', quoted(chance.secret())]])],
        [
          'projects',
          object([
            [project, object([['mcpServers', servers()]])],
            [hostileText(chance), JSON.stringify(hostileValue(chance)) ?? '0'],
          ]),
        ],
      ]);
    case 'claude-settings':
    case 'copilot-settings':
      return object([
        [
          format === 'claude-settings' ? 'disabledMcpjsonServers' : 'disabledMcpServers',
          JSON.stringify(chance.is(0.7) ? ['mail'] : hostileValue(chance)) ?? '0',
        ],
        ['env', object([['K', quoted(chance.secret())]])],
      ]);
    default:
      return object([
        [otherKeys[format] ?? 'mcpServers', servers()],
        ['mcp', object([['excluded', JSON.stringify([hostileText(chance)])]])],
      ]);
  }
}

/** Writes files of clients: every row of the client table has its turn. @returns the servers that the files name, and their names */
export function putClientFiles(tree: HostileTree, commands: Commands, port: number): Pick<ClientWorld, 'launches' | 'names'> {
  const { chance, home, project } = tree;
  const world: ClientWorld = { tree, commands, port, launches: [], names: [] };
  const places = { home, platform: 'linux', env: {} } as const;
  for (const row of clientTable) {
    for (const { at, format } of row.files) {
      if (!chance.is(0.1)) {
        continue;
      }
      const paths =
        at.kind === 'fixed'
          ? at.paths(places)
          : at.kind === 'user-dir'
            ? (row.userDirs?.(places) ?? []).flatMap((dir) => at.paths.map((path) => join(dir, path)))
            : at.kind === 'folder'
              ? at.paths.map((path) => join(chance.is(0.8) ? project : join(project, '..'), path))
              : [join(project, 'x.code-workspace')];
      const inHome = paths.filter((path) => path.startsWith(home));
      if (inHome.length > 0) {
        tree.put(chance.pick(inHome).replaceAll('*', 'p1'), fileText(world, format));
      }
    }
  }
  if (chance.is(0.2)) {
    tree.put(join(project, '.env'), `A=${chance.secret()}\nB="${hostileText(chance)}\n`);
  }
  return world;
}

/** Whether a text holds a secret of any world. */
export function holdsCanary(text: string): boolean {
  return text.includes(canaryMark);
}
