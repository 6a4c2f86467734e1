import { resolve } from 'node:path';
import { startModes } from '../../action/protect/guardArguments.ts';
import { mayStartLazily } from '../../action/protect/mayStartLazily.ts';
import { makeChange, type Preparation, type ProtectChange, prepareProtect } from '../../action/protect/protectChange.ts';
import type { Machine } from '../../action/protect/protectFacts.ts';
import { anyText, choice, flag, matching, type OptionTable, option, repeatedText } from '../../base/optionTable.ts';
import type { RawDefinition } from '../../model/definition.ts';
import { defaultStaleMode, describeStaleMode, staleModeNames } from '../../model/staleMode.ts';
import type { Command } from '../command.ts';
import { type ExitCode, exitCodes, UsageError } from '../exitCodes.ts';
import type { ProtectResult } from '../render/protectView.ts';
import { findDefinition } from '../session/findDefinition.ts';
import { type CliSession, openSession } from '../session/openSession.ts';
import {
  type Answers,
  agreedMode,
  type ProtectCommandRequest,
  type ProtectContext,
  protectCommonOptions,
  putLauncher,
  requestOf,
} from '../session/protectRequest.ts';
import { jsonText, type Shell, viewWidth } from '../terminal.ts';
import { changeAll } from './protectAll.ts';

const protectOptions = {
  ...protectCommonOptions,
  'on-stale': option(
    'MODE',
    { ...choice(staleModeNames, undefined), remark: ` (default ${defaultStaleMode})` },
    'while the server is stale',
  ),
  lock: option('RESOURCE', repeatedText, 'one server at a time: path:DIR, port:N or name:X; repeatable'),
  'on-conflict': option(
    'MODE',
    anyText,
    'when another server uses the resource: refuse, read-only, wait[=SECONDS], warn, takeover[=force]',
  ),
  start: option(
    'WHEN',
    { ...choice(startModes, undefined), remark: ' (default eager)' },
    'with the session, or at the first call: eager, lazy',
  ),
  'sleep-after': option(
    'MINUTES',
    matching(/^\d{1,5}(?:\.\d{1,3})?$/, 'a number of minutes'),
    'end an idle server; the next request starts it again',
  ),
  relay: flag('less memory: one process runs the guards of all such servers, and each server has a relay of 2 MB'),
  portable: flag('write "npx -y mcp-shepherd guard"; refused while npm has no package of that name'),
  all: flag('every entry that can start through the guard: one preview, one question'),
} as const satisfies OptionTable;

const exits = [
  [exitCodes.ok, 'written, or nothing to change, or shown by --dry-run'],
  [exitCodes.error, 'usage error; no such entry, or several; the file must not be changed (the message says why)'],
  [exitCodes.youMustAct, 'nothing was written: you answered no'],
] as const;

export const protectCommand: Command<typeof protectOptions> = {
  name: 'protect',
  summary: 'put the guard in front of a server, so it can be restarted any time',
  arguments: 'NAME | --all',
  positionals: { min: 0, max: 1 },
  options: protectOptions,
  details: [
    'Changes the entry in its client’s file so that the server starts through the guard. The server can then be restarted without its client noticing. Only the command and its arguments change; a copy of the file is kept in shepherd/backups of the state folder.',
    'Not for files managed by an administrator, rewritten by a running client (Claude Desktop), or tracked in git.',
  ],
  sections: [{ title: 'While the server is stale (--on-stale)', items: staleModeNames.map((mode) => [mode, describeStaleMode(mode)]) }],
  exits,
  run(context) {
    const { values } = context;
    if (values.all && values.lock.length > 0) {
      throw new UsageError('--all cannot be combined with --lock', 'Each server uses a resource of its own.', 'contradiction');
    }
    return oneOrAll(context, {
      action: 'protect',
      portable: values.portable,
      onStale: values['on-stale'],
      choices: {
        locks: values.lock,
        ...(values['on-conflict'] === undefined ? {} : { onConflict: values['on-conflict'] }),
        ...(values.start === undefined ? {} : { start: values.start }),
        ...(values.relay ? { relay: true } : {}),
        ...(values['sleep-after'] === undefined ? {} : { sleepAfter: values['sleep-after'] }),
      },
    });
  },
};

const unprotectOptions = {
  ...protectCommonOptions,
  all: flag('every entry that starts through the guard: one preview, one question'),
} as const satisfies OptionTable;

export const unprotectCommand: Command<typeof unprotectOptions> = {
  name: 'unprotect',
  summary: 'undo "protect": start the server directly again',
  arguments: 'NAME | --all',
  positionals: { min: 0, max: 1 },
  options: unprotectOptions,
  details: ['Undoes "protect": the entry starts the server’s own command again, as it was written before.'],
  exits,
  run(context) {
    return oneOrAll(context, { action: 'unprotect' });
  },
};

function oneOrAll(
  context: ProtectContext & { readonly values: { readonly all: boolean } },
  request: ProtectCommandRequest,
): Promise<ExitCode> {
  const { values, positionals } = context;
  if (values.all ? positionals.length > 0 || values.json : positionals.length === 0) {
    throw new UsageError(
      values.all ? '--all cannot be combined with NAME or --json' : 'missing NAME, or --all',
      `See "mcp-shepherd ${request.action} --help".`,
      'contradiction',
    );
  }
  return values.all ? changeAll(context, request) : run(context, request);
}

async function run(context: ProtectContext, request: ProtectCommandRequest): Promise<ExitCode> {
  const { shell, values, positionals } = context;
  const { action } = request;
  const session = await openSession(context);
  try {
    const snapshot = await session.surveyor.survey();
    const file = values.file;
    const client = values.client;
    const { id } = findDefinition(snapshot, {
      name: positionals[0] ?? '',
      ...(client === undefined ? {} : { client }),
      ...(file === undefined ? {} : { file: resolve(shell.cwd, file) }),
      prefers: (definition) => definition.transport === 'stdio' && (definition.guarded === true) === (action === 'unprotect'),
    });
    const definition = session.surveyor.definition(id);
    if (!definition) {
      throw new UsageError('the entry no longer exists');
    }
    return await change(context, session, definition, request);
  } catch (error) {
    if (error instanceof UsageError && values.json) {
      const advice = error.hint.split('\n').filter((line) => line !== '');
      shell.stdout.write(jsonText({ schema: 1, action, outcome: 'refused', done: false, reason: error.message, advice }, 2));
      return exitCodes.error;
    }
    throw error;
  } finally {
    session.surveyor.dispose();
  }
}

/** Prepares the change, shows it, asks where no option answers, and writes it. */
async function change(
  context: ProtectContext,
  session: CliSession,
  definition: RawDefinition,
  request: ProtectCommandRequest,
): Promise<ExitCode> {
  const { shell, values } = context;
  const { action } = request;
  // Loaded only here: the other commands need no comparison of lines.
  const { isShown, protectAdvice, protectReport, renderChange, renderResult } = await import('../render/protectView.ts');
  const { path: runDir } = session.runFolder;
  const machine: Machine = { home: shell.home, platform: shell.platform, env: shell.env, running: session.surveyor.running() };
  const prepare = (answers: Answers = {}): Promise<Preparation> =>
    prepareProtect(definition, requestOf(request, session.runFolder, answers), runDir, machine);
  const redact = (line: string): string => session.surveyor.redactor().text(line);
  const report = (preparation: Preparation, result: ProtectResult): void => {
    if (values.json) {
      shell.stdout.write(jsonText(protectReport({ definition, action, preparation, result }, redact), 2));
    } else {
      shell.stdout.write(renderResult(definition.name, preparation, result, viewWidth(shell)));
    }
  };
  let preparation = await prepare();
  if (preparation.kind === 'refused' && !values.json) {
    throw new UsageError(redact(preparation.reason), protectAdvice(preparation).map(redact).join('\n'));
  }
  if (preparation.kind !== 'change') {
    if (preparation.kind === 'unchanged' && preparation.needsLauncher && !values['dry-run']) {
      // The entry is right, but the launcher that it names may be gone or old.
      putLauncher(context, runDir);
    }
    report(preparation, { done: false });
    return preparation.kind === 'refused' ? exitCodes.error : exitCodes.ok;
  }
  const say = (text: string): void => (values.json ? undefined : shell.stdout.write(text));
  say(renderChange(preparation, { width: viewWidth(shell), paint: context.paint, redact }));
  if (values['dry-run']) {
    report(preparation, { done: false, dryRun: true });
    return exitCodes.ok;
  }
  if (!values.yes) {
    const words = definition.command === undefined ? [] : [definition.command, ...definition.args];
    const answer = shell.ask && !values.json && isShown(preparation, redact) ? await agree(shell.ask, request, words) : undefined;
    const again = answer === undefined ? preparation : await prepare(answer);
    if (again.kind === 'change' && again.file.fingerprint !== preparation.file.fingerprint) {
      throw new UsageError(`${redact(definition.file)} has changed since you were asked; it was not written`);
    }
    if (answer === undefined || again.kind !== 'change') {
      report(preparation, { done: false });
      return exitCodes.youMustAct;
    }
    preparation = again;
  }
  report(preparation, { done: true, backup: write(context, preparation, runDir) });
  return exitCodes.ok;
}

/** @param words the entry's command and arguments @returns undefined for no */
async function agree(
  ask: NonNullable<Shell['ask']>,
  request: ProtectCommandRequest,
  words: readonly string[],
): Promise<Answers | undefined> {
  const mode = await agreedMode(ask, request);
  const isOpen = request.action === 'protect' && request.choices.start === undefined && request.choices.locks.length === 0;
  const start =
    mode !== undefined && isOpen && mayStartLazily(words)
      ? (await ask('Start the server only when it is called (lazy)? [Y/n] '))?.trim().toLowerCase()
      : undefined;
  const isLazy = start === '' || start === 'y' || start === 'yes';
  return mode && { ...(mode === 'yes' ? {} : { onStale: mode }), ...(isLazy ? { start: 'lazy' } : {}) };
}

/** @returns the path of the file's copy */
function write(context: ProtectContext, preparation: ProtectChange, runDir: string): string {
  if (preparation.needsLauncher) {
    putLauncher(context, runDir);
  }
  return makeChange(preparation, runDir, context.shell.now());
}
