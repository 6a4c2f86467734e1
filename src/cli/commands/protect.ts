import { resolve } from 'node:path';
import { installLauncher, tryLauncher } from '../../action/protect/launcher.ts';
import {
  makeChange,
  type Preparation,
  type ProtectChange,
  type ProtectRequest,
  prepareProtect,
} from '../../action/protect/protectChange.ts';
import type { Machine } from '../../action/protect/protectFacts.ts';
import type { RawDefinition } from '../../model/definition.ts';
import { defaultStaleMode, type StaleMode, staleModeNames, staleModes } from '../../model/staleMode.ts';
import type { Command, CommandContext } from '../command.ts';
import { type ExitCode, exitCodes, UsageError } from '../exitCodes.ts';
import { jsonText } from '../jsonOutput.ts';
import { type ProtectResult, protectDiffLines, renderChange, renderResult } from '../render/protectView.ts';
import { findDefinition } from '../session/findDefinition.ts';
import { type CliSession, openSession } from '../session/openSession.ts';
import { viewWidth } from '../terminal.ts';
import { programsFolder, version } from '../version.ts';

const common = {
  client: { type: 'string', value: 'ID', help: 'the entry in this client’s file (vscode, claude-code, codex …)' },
  file: { type: 'string', value: 'FILE', help: 'the entry in this file' },
  'dry-run': { type: 'boolean', help: 'show what would be written, write nothing' },
  yes: { type: 'boolean', short: 'y', help: 'write without asking' },
} as const;

const exits = [
  [exitCodes.ok, 'done, or there was nothing to do, or --dry-run has shown it'],
  [exitCodes.error, 'wrong usage; no such entry, or several; the file must not be changed, and the message says why'],
  [exitCodes.youMustAct, 'nothing was written: nobody said yes'],
] as const;

export const protectCommand: Command = {
  name: 'protect',
  summary: 'let a client start one server through the guard',
  arguments: 'NAME',
  positionals: { min: 1, max: 1 },
  options: {
    ...common,
    'on-stale': {
      type: 'string',
      value: 'MODE',
      help: `when the server runs old code: ${staleModeNames.join(', ')} (default ${defaultStaleMode})`,
    },
    lock: { type: 'string', multiple: true, value: 'RESOURCE', help: 'one server at a time: path:DIR, port:N or name:X; repeatable' },
    'on-conflict': {
      type: 'string',
      value: 'MODE',
      help: 'when the resource is in use: refuse, read-only, wait[=SECONDS], warn, takeover[=force]',
    },
    portable: { type: 'boolean', help: 'write "npx -y mcp-shepherd guard", which works on every machine that has npm' },
  },
  details: [
    'Changes the entry in its client’s file so that the server starts through the guard: then it can be restarted without the client noticing, is refused or renewed when it is stale, and keeps its locks. Only the command and its arguments change; comments, layout, variables and inputs stay. A copy of the file is kept in shepherd/backups of the run folder.',
    'Refused are files that an administrator manages, that their running client writes anew (Claude Desktop), and that others share through git.',
  ],
  exits,
  run: (context) => run(context, 'protect'),
};

export const unprotectCommand: Command = {
  name: 'unprotect',
  summary: 'let a client start one server directly again',
  arguments: 'NAME',
  positionals: { min: 1, max: 1 },
  options: common,
  details: ['Undoes "protect": the entry starts the server’s own command again, as it was written.'],
  exits,
  run: (context) => run(context, 'unprotect'),
};

async function run(context: CommandContext, action: ProtectRequest['action']): Promise<ExitCode> {
  const { shell, values, positionals } = context;
  const onStale = staleModeOf(values.text('on-stale'));
  const session = await openSession(context);
  try {
    const snapshot = await session.surveyor.survey();
    const file = values.text('file');
    const client = values.text('client');
    const { id } = findDefinition(snapshot, {
      name: positionals[0] ?? '',
      ...(client === undefined ? {} : { client }),
      ...(file === undefined ? {} : { file: resolve(shell.cwd, file) }),
      prefers: (definition) => definition.transport === 'stdio' && (definition.guarded === true) === (action === 'unprotect'),
    });
    const definition = session.surveyor.definition(id);
    if (!definition) {
      throw new UsageError('the entry is gone');
    }
    return await change(context, session, definition, action, onStale);
  } catch (error) {
    if (error instanceof UsageError && values.flag('json')) {
      const advice = error.hint.split('\n').filter((line) => line !== '');
      shell.stdout.write(jsonText({ schema: 1, action, outcome: 'refused', done: false, reason: error.message, advice }, 2));
      return exitCodes.error;
    }
    throw error;
  } finally {
    session.surveyor.dispose();
  }
}

async function change(
  context: CommandContext,
  session: CliSession,
  definition: RawDefinition,
  action: ProtectRequest['action'],
  asked: StaleMode | undefined,
): Promise<ExitCode> {
  const { shell, values } = context;
  const { path: runDir } = session.runFolder;
  const machine: Machine = { home: shell.home, platform: shell.platform, env: shell.env, running: session.surveyor.running() };
  const prepare = (onStale: StaleMode | undefined): Promise<Preparation> =>
    prepareProtect(definition, wishOf(context, session, action, onStale), runDir, machine);
  const redact = (line: string): string => session.surveyor.redactor().text(line);
  const report = (preparation: Preparation, result: ProtectResult): void => {
    if (values.flag('json')) {
      shell.stdout.write(jsonText(jsonReport(definition, action, preparation, result, redact), 2));
    } else {
      shell.stdout.write(renderResult(definition.name, preparation, result, viewWidth(shell)));
    }
  };
  let preparation = await prepare(asked);
  if (preparation.kind === 'refused' && !values.flag('json')) {
    throw new UsageError(redact(preparation.reason), adviceOf(preparation).map(redact).join('\n'));
  }
  if (preparation.kind !== 'change') {
    if (preparation.kind === 'unchanged' && preparation.needsLauncher && !values.flag('dry-run')) {
      // The entry is right, and what it names may be gone or old.
      putLauncher(context, runDir);
    }
    report(preparation, { done: false });
    return preparation.kind === 'refused' ? exitCodes.error : exitCodes.ok;
  }
  const say = (text: string): void => (values.flag('json') ? undefined : shell.stdout.write(text));
  say(renderChange(preparation, { width: viewWidth(shell), paint: context.paint, redact }));
  if (values.flag('dry-run')) {
    report(preparation, { done: false, dryRun: true });
    return exitCodes.ok;
  }
  if (!values.flag('yes')) {
    const answer = shell.ask && !values.flag('json') ? await agree(shell.ask, action, asked) : undefined;
    const again = answer === undefined || answer === asked || answer === 'yes' ? preparation : await prepare(answer);
    if (answer === undefined || again.kind !== 'change') {
      report(preparation, { done: false });
      return exitCodes.youMustAct;
    }
    preparation = again;
  }
  report(preparation, { done: true, backup: write(context, preparation, runDir) });
  return exitCodes.ok;
}

/** @returns the mode to use, `yes` where there is none to choose, undefined when the person does not want it */
async function agree(
  ask: NonNullable<CommandContext['shell']['ask']>,
  action: ProtectRequest['action'],
  asked: StaleMode | undefined,
): Promise<StaleMode | 'yes' | undefined> {
  if (action === 'protect' && asked === undefined) {
    const choices = staleModes.filter(({ offered }) => offered).map(({ name }) => name);
    const numbered = choices.map((choice, index) => `[${index + 1}] ${choice}`).join(' ');
    const said = (await ask(`Write this change? When stale: ${numbered} [n] cancel: `))?.trim().toLowerCase();
    return choices.find((choice, index) => said === choice || said === String(index + 1));
  }
  const said = (await ask('Write it? [y/N] '))?.trim().toLowerCase();
  return said === 'y' || said === 'yes' ? 'yes' : undefined;
}

/** @returns the path of the file's copy */
function write(context: CommandContext, preparation: ProtectChange, runDir: string): string {
  if (preparation.needsLauncher) {
    putLauncher(context, runDir);
  }
  return makeChange(preparation, runDir, context.shell.now());
}

/** @throws when it cannot be written, or does not work */
function putLauncher({ shell }: CommandContext, runDir: string): void {
  const launcher = installLauncher({
    runDir,
    dist: programsFolder,
    version,
    execPath: process.execPath,
    electron: 'electron' in process.versions,
    platform: shell.platform,
    env: shell.env,
  });
  tryLauncher(launcher, shell.env);
}

function wishOf(
  { values }: CommandContext,
  session: CliSession,
  action: ProtectRequest['action'],
  onStale: StaleMode | undefined,
): ProtectRequest {
  if (action === 'unprotect') {
    return { action };
  }
  const onConflict = values.text('on-conflict');
  const { path, movedBy } = session.runFolder;
  return {
    action,
    portable: values.flag('portable'),
    choices: {
      locks: values.texts('lock'),
      ...(onStale === undefined ? {} : { onStale }),
      ...(onConflict === undefined ? {} : { onConflict }),
      ...(movedBy === undefined ? {} : { runDir: path }),
    },
  };
}

function staleModeOf(text: string | undefined): StaleMode | undefined {
  const mode = staleModeNames.find((one) => one === text);
  if (text !== undefined && mode === undefined) {
    throw new UsageError(`--on-stale is one of ${staleModeNames.join(', ')}`);
  }
  return mode;
}

/** What can be done instead; here the portable form is an option, in the window a button. */
function adviceOf({ advice, portableHelps }: Extract<Preparation, { kind: 'refused' }>): readonly string[] {
  return portableHelps ? [...advice.slice(0, -1), `${advice.at(-1)} Ask for it with --portable.`] : advice;
}

function jsonReport(
  definition: RawDefinition,
  action: ProtectRequest['action'],
  preparation: Preparation,
  result: ProtectResult,
  redact: (line: string) => string,
): unknown {
  const { id, name, client, scope, file } = definition;
  const common = { schema: 1, action, definition: { id, name, client, scope, file }, outcome: preparation.kind, done: result.done };
  switch (preparation.kind) {
    case 'refused':
      return { ...common, reason: redact(preparation.reason), advice: adviceOf(preparation).map(redact) };
    case 'unchanged':
      return { ...common, reason: preparation.reason };
    case 'change':
      return {
        ...common,
        diff: protectDiffLines(preparation, redact).map(({ sign, text }) => `${sign} ${text}`),
        warnings: preparation.warnings.map(redact),
        ...(result.backup === undefined ? {} : { backup: result.backup }),
        next: preparation.restartStep,
      };
  }
}
