import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { EnsureRequest, EnsureResult, EnsureStatus } from '../../action/ensure/ensureDecision.ts';
import { ensureServer } from '../../action/ensure/ensureServer.ts';
import { ensureSystem } from '../../action/ensure/ensureSystem.ts';
import type { Outcome } from '../../action/execute/exclusiveAction.ts';
import type { EnsureWay } from '../../action/plan/plan.ts';
import type { RawDefinition } from '../../model/definition.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { createRedactor } from '../../redaction/redactor.ts';
import { endpointOf } from '../../survey/ports/endpoint.ts';
import type { Command, CommandContext } from '../command.ts';
import { type ExitCode, exitCodes, UsageError } from '../exitCodes.ts';
import { jsonText } from '../jsonOutput.ts';
import { terminalText, wrap } from '../render/text.ts';
import { ensureNames, readEnsureSetting } from '../session/ensureSetting.ts';
import { openSession, runFolderOf, stderrLog } from '../session/openSession.ts';
import { viewWidth } from '../terminal.ts';

/** Python and Node servers start within this, on a slow machine too. */
const defaultLimitMs = 30_000;

export const ensureCommand: Command = {
  name: 'ensure',
  summary: 'make sure that an HTTP server runs, in the right version',
  arguments: 'NAME [-- COMMAND ARGS…]',
  positionals: { min: 1, max: Number.POSITIVE_INFINITY },
  options: {
    url: { type: 'string', value: 'URL', help: 'address on this machine, when no entry called NAME has one' },
    want: { type: 'string', value: 'VERSION', help: 'the version that is wanted (default: the one that is installed)' },
    package: { type: 'string', value: 'NAME', help: 'the package that this is the version of; another package is left alone' },
    replace: { type: 'string', value: 'PID', help: 'restart the server if it is this process, whatever its version' },
    passive: { type: 'boolean', help: 'only connecting again: start it when nothing runs, replace nothing' },
    shutdown: { type: 'boolean', help: 'the server ends on POST /shutdown: ask it so before anything else' },
    timeout: { type: 'string', value: 'SECONDS', help: 'how long a start may take (default 30; also MCP_SHEPHERD_START_TIMEOUT)' },
  },
  details: [
    'The same version runs: it is reused. An older one runs: it is shut down, waited for, started again, and its version is checked. A newer one, one whose version cannot be told, and a program that is something else are left alone, and that is said. Any number of callers at once start and replace it once.',
    'How it is started: COMMAND after --, else "command" and "args" of NAME in the "servers" of mcp-shepherd.json in the project folder, which may also have "url", "version", "package", "cwd", "env" and "shutdown" (true, or { "token": … }). {port} in arguments and values is the port; PORT is set to it too. Its output goes to a log in the run folder.',
    'With --json one object: server_status (reused, started, replaced, newer, older, unknown, foreign, failed), pid, version, wanted, message, and for a failed start log and log_tail.',
  ],
  exits: [
    [exitCodes.ok, 'it runs in the wanted version: reused, started or replaced'],
    [exitCodes.error, 'wrong usage; the port is held by something else; it could not be started'],
    [exitCodes.youMustAct, 'it runs and was left alone: newer, older (--passive), or its version cannot be told'],
  ],
  async run(context) {
    const { result, noLaunch } = await runEnsure(context);
    show(result, noLaunch, context);
    return codes[result.server_status];
  },
};

/** The folders whose own `mcp-shepherd.json` is read. */
export function settingFolders({ shell, values }: CommandContext): string[] {
  const named = values.texts('folder');
  return (named.length === 0 ? ['.'] : named).map((folder) => resolve(shell.cwd, folder));
}

/** @returns what became of it, and whether nothing said how it is started @throws UsageError when the words cannot be used */
export async function runEnsure(context: CommandContext): Promise<{ readonly result: EnsureResult; readonly noLaunch: boolean }> {
  const { shell, values } = context;
  context.shell.endOnSignals();
  const [name = '', command, ...args] = context.positionals;
  const entry = values.text('url');
  const setting = readEnsureSetting(settingFolders(context), name);
  const url = entry ?? setting?.url;
  const own = url === undefined ? undefined : ownDefinition(name, url, setting?.file);
  const session = await openSession(context, own ? { entries: [own] } : {});
  try {
    const definition = own ?? only(name, await session.surveyor.survey());
    const port = endpointOf(definition)?.port;
    if (port === undefined) {
      throw new UsageError(`"${terminalText(name)}" has no address of this machine: ${terminalText(definition.url ?? 'it has no URL')}`);
    }
    const launch =
      command !== undefined
        ? { command, args, cwd: shell.cwd }
        : setting?.command === undefined
          ? undefined
          : { command: setting.command, args: setting.args, cwd: setting.cwd, ...(setting.env ? { env: setting.env } : {}) };
    const version = values.text('want') ?? setting?.version;
    const replace = values.text('replace');
    const packageName = values.text('package') ?? setting?.package;
    const request: EnsureRequest = {
      name,
      port,
      passive: values.flag('passive'),
      ...(replace === undefined ? {} : { replace: pidOf(replace) }),
      ...(launch ? { launch } : {}),
      ...(version === undefined ? {} : { version }),
      ...(packageName === undefined ? {} : { package: packageName }),
    };
    const shutdown = values.flag('shutdown') ? {} : setting?.shutdown;
    const { path: runDir, movedBy } = runFolderOf(context);
    const system = await ensureSystem({
      request,
      definition: definition.id,
      surveyor: session.surveyor,
      runDir,
      explicitRunDir: movedBy !== undefined,
      platform: shell.platform,
      env: shell.env,
      redactor: createRedactor(Object.values(setting?.env ?? {})),
      by: `terminal (PID ${process.pid})`,
      log: stderrLog(shell.stderr),
      limitMs: limitOf(values.text('timeout'), shell.env.MCP_SHEPHERD_START_TIMEOUT),
      ...(shutdown ? { shutdown: { path: '/shutdown', ...shutdown } } : {}),
    });
    const result = await ensureServer(request, system);
    return { result, noLaunch: launch === undefined };
  } finally {
    session.surveyor.dispose();
  }
}

const codes: Readonly<Record<EnsureStatus, ExitCode>> = {
  reused: exitCodes.ok,
  started: exitCodes.ok,
  replaced: exitCodes.ok,
  newer: exitCodes.youMustAct,
  older: exitCodes.youMustAct,
  unknown: exitCodes.youMustAct,
  foreign: exitCodes.error,
  failed: exitCodes.error,
};

function show(result: EnsureResult, noLaunch: boolean, { shell, values }: CommandContext): void {
  if (values.flag('json')) {
    shell.stdout.write(jsonText({ schema: 1, ...result }, 2));
    return;
  }
  const width = viewWidth(shell);
  const bad = codes[result.server_status] === exitCodes.error;
  const lines = [
    ...wrap(terminalText(bad ? `mcp-shepherd: ${result.message}` : result.message), width),
    ...(result.warnings ?? []).flatMap((warning) => wrap(terminalText(warning), width)),
    ...(result.log_tail?.length
      ? [`The end of ${terminalText(result.log ?? 'its log')}:`, ...result.log_tail.map((line) => `  ${terminalText(line)}`)]
      : []),
    ...(bad && noLaunch && result.server_status === 'failed'
      ? wrap('Say the command after --, or in "servers" of mcp-shepherd.json ("mcp-shepherd ensure --help").', width)
      : []),
  ];
  (bad ? shell.stderr : shell.stdout).write(`${lines.join('\n')}\n`);
}

/** The one entry of that name whose URL is on this machine. @throws UsageError when there is none, or more than one address */
function only(name: string, snapshot: Snapshot): Pick<RawDefinition, 'id' | 'url' | 'transport'> {
  const named = snapshot.definitions.filter((definition) => definition.name === name && definition.url !== undefined);
  const local = named.filter((definition) => endpointOf(definition) !== undefined);
  const [first] = local;
  if (!first) {
    const what =
      named[0]?.url === undefined ? `no entry called "${terminalText(name)}" has a URL` : `"${terminalText(name)}" is not on this machine`;
    throw new UsageError(what, 'Say its address with --url, or in mcp-shepherd.json.');
  }
  if (new Set(local.map((definition) => endpointOf(definition)?.port)).size > 1) {
    throw new UsageError(
      `"${terminalText(name)}" has several addresses`,
      `Say one with --url: ${local.map(({ url }) => terminalText(url ?? '')).join(', ')}`,
    );
  }
  return first;
}

/** An entry that no client's file has. */
function ownDefinition(name: string, url: string, file = '(command line)'): RawDefinition {
  const id = createHash('sha256').update(['mcp-shepherd', file, name, url].join('\0')).digest('hex').slice(0, 16);
  return {
    id,
    client: 'mcp-shepherd',
    readBy: ['mcp-shepherd'],
    scope: 'project',
    file,
    line: 1,
    name,
    transport: 'http',
    args: [],
    env: {},
    url,
    secrets: [],
    enabled: true,
  };
}

function pidOf(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) {
    throw new UsageError(`--replace is the PID of the server, and not "${terminalText(text)}"`);
  }
  return Number(text);
}

/** Seconds as somebody wrote them; what is no number of seconds falls back. */
function limitOf(...texts: readonly (string | undefined)[]): number {
  for (const text of texts) {
    const seconds = Number(text);
    if (text !== undefined && text.trim() !== '' && Number.isFinite(seconds) && seconds > 0 && seconds <= 3_600) {
      return seconds * 1_000;
    }
  }
  return defaultLimitMs;
}

/** Servers of this machine whose start `mcp-shepherd.json` says, by port. @throws UsageError when the file is there and cannot be used */
export function ensureWays(context: CommandContext): ReadonlyMap<number, EnsureWay> {
  const folders = settingFolders(context);
  const ways = new Map<number, EnsureWay>();
  for (const name of ensureNames(folders)) {
    const { file, url, command, args, env } = readEnsureSetting(folders, name) ?? {};
    const port = url === undefined ? undefined : endpointOf({ transport: 'http', url })?.port;
    if (file !== undefined && command !== undefined && port !== undefined && !ways.has(port)) {
      const words = createRedactor(Object.values(env ?? {})).args(args ?? [], command);
      ways.set(port, { file, name, command: [command, ...words].join(' ') });
    }
  }
  return ways;
}

/** `mcp-shepherd ensure NAME --replace PID`, as a step of a restart. */
export async function replaceOnce(name: string, pid: number, context: CommandContext): Promise<Outcome> {
  const { values } = context;
  const { result } = await runEnsure({
    ...context,
    positionals: [name],
    values: {
      flag: () => false,
      text: (option) => (option === 'replace' ? String(pid) : option === 'run-dir' ? values.text(option) : undefined),
      texts: (option) => values.texts(option),
    },
  });
  const { server_status: status, log_tail: tail = [] } = result;
  const message = [result.message, ...(tail.length === 0 ? [] : [`The end of ${result.log ?? 'its log'}:`, ...tail])].join('\n');
  switch (status) {
    case 'replaced':
    case 'started':
      return {
        status: 'done',
        message,
        steps: [],
        ...(result.pid === null ? {} : { after: { pid: result.pid, runs: result.version } }),
      };
    case 'reused':
      return { status: 'already', message };
    default:
      return { status: 'failed', message, steps: [] };
  }
}
