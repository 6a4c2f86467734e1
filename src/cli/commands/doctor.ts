import { makeChange } from '../../action/protect/protectChange.ts';
import type { Machine } from '../../action/protect/protectFacts.ts';
import { reasonOf } from '../../base/errors.ts';
import { flag, type OptionTable } from '../../base/optionTable.ts';
import type { HealthNote } from '../../model/entryHealth.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { counted } from '../../presentation/quantities.ts';
import { productVersion } from '../../version/productVersion.ts';
import type { Command, CommandContext } from '../command.ts';
import { type ExitCode, exitCodes, UsageError } from '../exitCodes.ts';
import { renderDoctor } from '../render/doctorView.ts';
import { terminalText, wrap } from '../render/text.ts';
import { doctorReport } from '../session/doctorReport.ts';
import { type CliSession, openSession, settledSurvey } from '../session/openSession.ts';
import { jsonText, type Shell, viewWidth } from '../terminal.ts';

const options = {
  verbose: flag('also files that do not exist, clients that are not here, and remarks about entries that work', 'v'),
  fix: flag('correct the entries whose correction is certain; asks for each'),
  yes: flag('with --fix: write without asking', 'y'),
} as const satisfies OptionTable;

export const doctorCommand: Command<typeof options> = {
  name: 'doctor',
  summary: 'where servers were searched for, what could not be read, and which entries cannot work',
  arguments: '',
  positionals: { min: 0, max: 0 },
  options,
  details: [
    'Shows where MCP Shepherd searched for servers and what it could not read: the configuration files of every known client (with -v also those that do not exist), the project folders, the source of the process list, Node.js, and the folders in use.',
    'Shows the entries that cannot work as they are written: a program, script or variable that is missing. With -v also what is worth knowing: secrets in plain text, packages without a version, entries that another one replaces.',
    '--fix writes the full path of a program that its client does not find, and “cmd /c” where the client asks for it. It shows each change first, keeps a copy of the file in shepherd/backups of the state folder, and leaves everything else to you.',
  ],
  exits: [
    [exitCodes.ok, 'success; with --fix: written, or nothing to correct'],
    [exitCodes.error, 'usage error, the machine could not be scanned, or with --fix an entry must not be changed (the message says why)'],
    [exitCodes.youMustAct, 'with --fix: something was not written, because you did not answer yes'],
  ],
  async run(context) {
    const { shell, values, color } = context;
    if (values.fix ? values.json : values.yes) {
      throw new UsageError(
        values.fix ? '--fix cannot be combined with --json' : '--yes needs --fix',
        'See "mcp-shepherd doctor --help".',
        'contradiction',
      );
    }
    const session = await openSession(context, { health: true });
    try {
      const snapshot = await settledSurvey(session.surveyor, shell.ended);
      if (values.fix) {
        return await fixEntries(context, session, snapshot);
      }
      const report = doctorReport(snapshot, session.surveyor.report(), {
        version: productVersion,
        node: { version: process.version, path: process.execPath },
        platform: `${shell.platform} ${process.arch}`,
        home: shell.home,
        folders: session.folders,
        runFolder: session.runFolder,
      });
      const view = { width: viewWidth(shell), color, now: shell.now(), everything: values.verbose };
      shell.stdout.write(values.json ? jsonText(report, 2) : renderDoctor(report, view));
      return exitCodes.ok;
    } finally {
      session.surveyor.dispose();
    }
  },
};

type DoctorContext = CommandContext<typeof options>;

/** Corrects one entry after the other. An entry that must not be changed does not stop the rest. */
async function fixEntries(context: DoctorContext, session: CliSession, { health = [] }: Snapshot): Promise<ExitCode> {
  const { shell } = context;
  const fixable = health.filter(({ fix }) => fix !== undefined);
  let code: ExitCode = exitCodes.ok;
  const workTrees: NonNullable<Machine['workTrees']> = new Map();
  for (const note of fixable) {
    const ended = await fixEntry(context, session, note, workTrees);
    code = code === exitCodes.error ? code : ended === exitCodes.ok ? code : ended;
  }
  const others = health.filter(({ level, fix }) => level === 'warning' && fix === undefined).length;
  if (fixable.length === 0) {
    sentence(shell, 'No entry has a correction that is certain.');
  }
  if (others > 0) {
    sentence(shell, `${counted(others, 'warning')} left to you: mcp-shepherd doctor`);
  }
  return code;
}

/** @param workTrees answers of git, which is asked once for each file */
async function fixEntry(
  context: DoctorContext,
  session: CliSession,
  { definition: id, fix, message }: HealthNote,
  workTrees: NonNullable<Machine['workTrees']>,
): Promise<ExitCode> {
  const { shell, values } = context;
  const definition = session.surveyor.definition(id);
  if (definition === undefined || fix === undefined) {
    return exitCodes.ok;
  }
  // Loaded only here: the other commands need no comparison of lines.
  const [{ prepareFix }, { isShown, renderChange }] = await Promise.all([
    import('../../action/protect/entryFix.ts'),
    import('../render/protectView.ts'),
  ]);
  const width = viewWidth(shell);
  const redact = (line: string): string => session.surveyor.redactor().text(line);
  const machine: Machine = { home: shell.home, platform: shell.platform, env: shell.env, running: session.surveyor.running(), workTrees };
  const prepared = await prepareFix(definition, fix, machine);
  sentence(shell, message);
  if (prepared.kind === 'refused') {
    sentence(shell, redact(prepared.reason));
    return exitCodes.error;
  }
  shell.stdout.write(renderChange(prepared, { width, paint: context.paint, redact }));
  if (!values.yes) {
    const asks = shell.ask !== undefined && isShown(prepared, redact);
    const answer = asks ? (await shell.ask?.('Write this change? [y/N] '))?.trim().toLowerCase() : undefined;
    if (answer !== 'y' && answer !== 'yes') {
      sentence(shell, `Nothing was written.${asks ? '' : ' Run it again with --yes to write it.'}`);
      return exitCodes.youMustAct;
    }
  }
  try {
    const copy = makeChange(prepared, session.runFolder.path, shell.now());
    sentence(shell, prepared.restartStep);
    sentence(shell, `Copy of the old file: ${copy}`);
    return exitCodes.ok;
  } catch (error) {
    sentence(shell, redact(reasonOf(error)));
    return exitCodes.error;
  }
}

/** Writes one paragraph. */
function sentence(shell: Shell, text: string): void {
  for (const line of wrap(terminalText(text), viewWidth(shell))) {
    shell.stdout.write(`${terminalText(line)}\n`);
  }
}
