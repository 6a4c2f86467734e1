import { resolve } from 'node:path';
import type { EnsureRequest, EnsureResult, EnsureStatus } from '../../action/ensure/ensureDecision.ts';
import { ensureServer } from '../../action/ensure/ensureServer.ts';
import { ensureSystem } from '../../action/ensure/ensureSystem.ts';
import type { Outcome } from '../../action/execute/exclusiveAction.ts';
import type { EnsureWay } from '../../action/plan/plan.ts';
import { anyText, flag, type OptionTable, type OptionValues, option, seconds, wholeNumber } from '../../base/optionTable.ts';
import type { RawDefinition } from '../../model/definition.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { createRedactor } from '../../redaction/redactor.ts';
import { isSecretVariable } from '../../redaction/secretShapes.ts';
import { ensuredDefinition } from '../../survey/facts/ensured.ts';
import { endpointOf } from '../../survey/ports/endpoint.ts';
import type { Command, CommandContext } from '../command.ts';
import { type ExitCode, exitCodes, UsageError } from '../exitCodes.ts';
import { terminalText, wrap } from '../render/text.ts';
import { confirmLaunch } from '../session/confirmLaunch.ts';
import { ensureNames, readEnsureSetting } from '../session/ensureSetting.ts';
import { openSession, runFolderOf, stderrLog } from '../session/openSession.ts';
import { jsonText, viewWidth } from '../terminal.ts';

/** Python and Node servers start within this, on a slow machine too. */
const defaultLimitMs = 30_000;
const limits = { max: 3_600, above0: true };

const options = {
  url: option('URL', anyText, 'address on this machine, when no entry called NAME has one'),
  want: option('VERSION', anyText, 'the wanted version (default: the installed one)'),
  package: option('NAME', anyText, 'the package of that version; a server of another package is left alone'),
  replace: option('PID', wholeNumber(1, 2 ** 32, undefined), 'restart the server if it is this process, whatever its version'),
  yes: flag('start the command of mcp-shepherd.json without asking', 'y'),
  passive: flag('start it if nothing is running, but never replace it'),
  shutdown: flag('stop the old server with POST /shutdown first'),
  timeout: option('SECONDS', seconds(limits, undefined), 'how long a start may take (default 30; also MCP_SHEPHERD_START_TIMEOUT)'),
} as const satisfies OptionTable;

/** One server to ensure: what follows the command's name, and its options. */
interface EnsureCall {
  readonly name: string;
  readonly command: string | undefined;
  readonly args: readonly string[];
  readonly values: OptionValues<typeof options>;
  /** Whether the user may be asked to confirm the command. */
  readonly asks: boolean;
}

export const ensureCommand: Command<typeof options> = {
  name: 'ensure',
  summary: 'start an HTTP server once, in the wanted version',
  arguments: 'NAME [-- COMMAND ARGS…]',
  positionals: { min: 1, max: Number.POSITIVE_INFINITY },
  options,
  details: [
    'Starts an HTTP server once, in the wanted version. Same version: reused. Older: replaced. Newer, unknown, or another program on the port: left alone, with a message. Any number of callers at the same time start and replace it once.',
    'The start command is COMMAND after --, else "command" and "args" of NAME in "servers" of mcp-shepherd.json in the project folder. That entry may also have "url", "version", "package", "cwd", "env" and "shutdown" (true, or {"token": …}). {port} in arguments and values is the port; the variable PORT has it too. Such a command is shown and confirmed once for each content, or by --yes. The output of the server goes to a log in the state folder.',
    '--json prints one object: server_status (reused, started, replaced, newer, older, unknown, foreign, failed, unconfirmed), pid, version, wanted, message, and after a failed start log and log_tail.',
  ],
  exits: [
    [exitCodes.ok, 'the server runs in the wanted version: reused, started or replaced'],
    [exitCodes.error, 'usage error; another program holds the port; the server could not be started'],
    [
      exitCodes.youMustAct,
      'the server was left alone: it is newer, older (with --passive), or of unknown version; the command of mcp-shepherd.json was not confirmed',
    ],
  ],
  async run(context) {
    const [name = '', command, ...args] = context.positionals;
    const { result, noLaunch } = await runEnsure({ name, command, args, values: context.values, asks: true }, context);
    show(result, noLaunch, context);
    return codes[result.server_status];
  },
};

/** The folders whose own `mcp-shepherd.json` is read; folders above them are not. */
function settingFolders({ shell, values }: CommandContext): string[] {
  const named = values.folder;
  return (named.length === 0 ? ['.'] : named).map((folder) => resolve(shell.cwd, folder));
}

/** @returns the result, and whether no start command is known @throws UsageError when the request or `mcp-shepherd.json` cannot be used */
async function runEnsure(
  { name, command, args, values, asks }: EnsureCall,
  context: CommandContext,
): Promise<{ readonly result: EnsureResult; readonly noLaunch: boolean }> {
  const { shell } = context;
  shell.endOnSignals();
  const setting = readEnsureSetting(settingFolders(context), name);
  const url = values.url ?? setting?.url;
  const own = url === undefined ? undefined : ensuredDefinition(name, url, setting?.file);
  const session = await openSession(context, own ? { entries: [own] } : {});
  try {
    const definition = own ?? only(name, await session.surveyor.survey());
    const port = endpointOf(definition)?.port;
    if (port === undefined) {
      throw new UsageError(`"${terminalText(name)}" is not on this machine: ${terminalText(definition.url ?? 'it has no URL')}`);
    }
    const launch =
      command !== undefined
        ? { command, args, cwd: shell.cwd }
        : setting?.command === undefined
          ? undefined
          : { command: setting.command, args: setting.args, cwd: setting.cwd, ...(setting.env ? { env: setting.env } : {}) };
    const version = values.want ?? setting?.version;
    const packageName = values.package ?? setting?.package;
    const goal: EnsureRequest = {
      name,
      port,
      passive: values.passive,
      ...(values.replace === undefined ? {} : { replace: values.replace }),
      ...(launch ? { launch } : {}),
      ...(version === undefined ? {} : { version }),
      ...(packageName === undefined ? {} : { package: packageName }),
    };
    const shutdown = values.shutdown ? {} : setting?.shutdown;
    const { path: runDir, movedBy } = runFolderOf(context);
    const system = await ensureSystem({
      request: goal,
      definition: definition.id,
      ...(own?.url === undefined ? {} : { entry: { url: own.url, file: own.file } }),
      surveyor: session.surveyor,
      runDir,
      explicitRunDir: movedBy !== undefined,
      platform: shell.platform,
      env: shell.env,
      redactor: createRedactor(secretsOfServer(setting?.env ?? {}, shell.env, port)),
      by: `terminal (PID ${process.pid})`,
      log: stderrLog(shell.stderr),
      limitMs: values.timeout ?? limitFrom(shell.env.MCP_SHEPHERD_START_TIMEOUT),
      ...(shutdown ? { shutdown: { path: '/shutdown', ...shutdown } } : {}),
    });
    const confirm = async (): Promise<string | undefined> =>
      command !== undefined || setting === undefined
        ? undefined
        : confirmLaunch({ name, setting, runDir, yes: values.yes, shell: asks && !context.values.json ? shell : undefined });
    const result = await ensureServer(goal, system, confirm);
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
  unconfirmed: exitCodes.youMustAct,
};

function show(result: EnsureResult, noLaunch: boolean, { shell, values }: CommandContext): void {
  if (values.json) {
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
      ? wrap('Write the start command after --, or in "servers" of mcp-shepherd.json (see "mcp-shepherd ensure --help").', width)
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
    throw new UsageError(what, 'Give its address with --url, or in mcp-shepherd.json.');
  }
  if (new Set(local.map((definition) => endpointOf(definition)?.port)).size > 1) {
    throw new UsageError(
      `"${terminalText(name)}" has several addresses`,
      `Choose one with --url: ${local.map(({ url }) => terminalText(url ?? '')).join(', ')}`,
    );
  }
  return first;
}

/** The secrets that the server may repeat in its log: the values that its entry sets, and those that it inherits under a secret's name. */
function secretsOfServer(
  own: Readonly<Record<string, string>>,
  inherited: Readonly<Record<string, string | undefined>>,
  port: number,
): string[] {
  const set = Object.values(own).flatMap((value) => [value, value.replaceAll('{port}', String(port))]);
  return [
    ...set,
    ...Object.entries(inherited).flatMap(([name, value]) => (value !== undefined && isSecretVariable(name, value) ? [value] : [])),
  ];
}

/** The limit of a start from an environment variable, ms; a text that is no number of seconds is ignored. */
function limitFrom(variable: string | undefined): number {
  const read = seconds(limits, undefined).read(variable?.trim() ?? '', undefined);
  return typeof read === 'number' ? read : defaultLimitMs;
}

/** Servers of this machine that `mcp-shepherd.json` can start, by port. @throws UsageError when the file is there and cannot be used */
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
  const nothing = { url: undefined, want: undefined, package: undefined, passive: false, shutdown: false, timeout: undefined, yes: false };
  const { result } = await runEnsure({ name, command: undefined, args: [], values: { ...nothing, replace: pid }, asks: false }, context);
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
    case 'unconfirmed':
      return { status: 'refused', message, steps: [] };
    default:
      return { status: 'failed', message, steps: [] };
  }
}
