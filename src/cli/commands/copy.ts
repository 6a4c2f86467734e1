import { resolve } from 'node:path';
import { prepareCopy } from '../../action/protect/copyEntry.ts';
import { makeChange } from '../../action/protect/protectChange.ts';
import { anyText, flag, type OptionTable, option } from '../../base/optionTable.ts';
import { clientById, clientTable } from '../../clients/clientTable.ts';
import type { Command } from '../command.ts';
import { exitCodes, UsageError } from '../exitCodes.ts';
import { findDefinition } from '../session/findDefinition.ts';
import { openSession } from '../session/openSession.ts';
import { jsonText, viewWidth } from '../terminal.ts';

const options = {
  from: option('CLIENT', anyText, 'the client that has the entry (vscode, claude-code, codex …)'),
  to: option('CLIENT', anyText, 'the client whose user file gets the entry'),
  file: option('FILE', anyText, 'the entry in this file'),
  'dry-run': flag('show the change and write nothing'),
  yes: flag('write without asking', 'y'),
} as const satisfies OptionTable;

export const copyCommand: Command<typeof options> = {
  name: 'copy',
  summary: 'copy an entry to another client, in its form; nothing is replaced',
  arguments: 'NAME --from CLIENT --to CLIENT',
  positionals: { min: 1, max: 1 },
  options,
  details: [
    'Adds one entry to the other client’s file, after a preview. Command, arguments and variables are copied with their values; the preview names the variables and does not show their values. Only entries that start a program; an entry of that name is never replaced.',
  ],
  exits: [
    [exitCodes.ok, 'written, or shown by --dry-run'],
    [exitCodes.error, 'usage error; no such entry, or several; it must not be copied (the message says why)'],
    [exitCodes.youMustAct, 'nothing was written: you answered no'],
  ],
  async run(context) {
    const { shell, values, positionals, paint } = context;
    const { from, to } = values;
    if (from === undefined || to === undefined || !clientById(to)) {
      const ids = clientTable.filter(({ files }) => files.length > 0).map(({ id }) => id);
      throw new UsageError(
        from === undefined || to === undefined ? 'missing --from or --to' : `no client "${to}"`,
        `Clients: ${ids.join(', ')}`,
      );
    }
    const session = await openSession(context);
    try {
      const { surveyor, runFolder } = session;
      const snapshot = await surveyor.survey();
      const { file } = values;
      const { id } = findDefinition(snapshot, {
        name: positionals[0] ?? '',
        client: from,
        ...(file === undefined ? {} : { file: resolve(shell.cwd, file) }),
        prefers: ({ transport }) => transport === 'stdio',
      });
      const source = surveyor.definition(id);
      if (!source) {
        throw new UsageError('the entry no longer exists');
      }
      const machine = { home: shell.home, platform: shell.platform, env: shell.env, running: surveyor.running() };
      const change = await prepareCopy(source, to, snapshot.definitions, machine);
      const redact = (line: string): string => surveyor.redactor().text(line);
      if (change.kind === 'refused') {
        if (values.json) {
          shell.stdout.write(
            jsonText(
              { schema: 1, action: 'copy', outcome: 'refused', done: false, reason: redact(change.reason), advice: change.advice },
              2,
            ),
          );
          return exitCodes.error;
        }
        throw new UsageError(redact(change.reason), change.advice.join('\n'));
      }
      const { copyReport, isShown, renderCopy, renderCopyDone, renderNothingWritten } = await import('../render/protectView.ts');
      if (!values.json) {
        shell.stdout.write(renderCopy(change, { width: viewWidth(shell), paint, redact }));
      }
      const answer =
        values.yes || values['dry-run'] || values.json || !shell.ask || !isShown({ ...change, after: change.shown }, redact)
          ? undefined
          : await shell.ask('Write this change? [y/N] ');
      const agreed = !values['dry-run'] && (values.yes || /^y(?:es)?$/i.test(answer?.trim() ?? ''));
      const backup = agreed ? makeChange(change, runFolder.path, shell.now()) : undefined;
      if (values.json) {
        shell.stdout.write(jsonText(copyReport(change, backup, redact), 2));
      } else if (backup === undefined) {
        shell.stdout.write(renderNothingWritten(values['dry-run']));
      } else {
        shell.stdout.write(renderCopyDone(change, backup, viewWidth(shell)));
      }
      return agreed || values['dry-run'] ? exitCodes.ok : exitCodes.youMustAct;
    } finally {
      session.surveyor.dispose();
    }
  },
};
