import { resolve } from 'node:path';
import { type AllPreparation, type FileChange, prepareAll } from '../../action/protect/prepareAll.ts';
import { makeChange } from '../../action/protect/protectChange.ts';
import type { Machine } from '../../action/protect/protectFacts.ts';
import { reasonOf } from '../../base/errors.ts';
import { type ExitCode, exitCodes } from '../exitCodes.ts';
import { terminalText } from '../render/text.ts';
import { openSession } from '../session/openSession.ts';
import {
  type Answers,
  agreedMode,
  type ProtectCommandRequest,
  type ProtectContext,
  putLauncher,
  requestOf,
} from '../session/protectRequest.ts';
import { viewWidth } from '../terminal.ts';

/**
 * Changes every entry that a scan of this machine and this folder finds: shows the changes of all files and why entries are left out, asks once, and writes file by file.
 * What cannot be changed does not stop the rest.
 */
export async function changeAll(context: ProtectContext, request: ProtectCommandRequest): Promise<ExitCode> {
  const { shell, values } = context;
  const { action } = request;
  const session = await openSession(context);
  try {
    const { isShown, renderAll, renderAllDone, renderLeftOut, renderNothingWritten } = await import('../render/protectView.ts');
    const { surveyor, runFolder } = session;
    const { definitions } = await surveyor.survey();
    const file = values.file === undefined ? undefined : resolve(shell.cwd, values.file);
    const chosen = definitions
      .filter((one) => (one.guarded === true) === (action === 'unprotect'))
      .filter((one) => (values.client ?? one.client) === one.client && (file ?? one.file) === one.file)
      .flatMap(({ id }) => surveyor.definition(id) ?? []);
    const machine: Machine = { home: shell.home, platform: shell.platform, env: shell.env, running: surveyor.running() };
    const prepare = (answers: Answers = {}): Promise<AllPreparation> =>
      prepareAll(chosen, requestOf(request, runFolder, answers), runFolder.path, machine);
    const redact = (line: string): string => surveyor.redactor().text(line);
    const say = (sentence: string): void => shell.stderr.write(`${terminalText(sentence)}\n`);
    let all = await prepare();
    const view = { width: viewWidth(shell), paint: context.paint, redact };
    shell.stderr.write(renderLeftOut(all, view));
    shell.stdout.write(renderAll(all, action, view));
    // Who takes out the guard, perhaps before it is deleted, has to know what still needs it.
    let code: ExitCode = action === 'unprotect' && all.refused.length > 0 ? exitCodes.error : exitCodes.ok;
    if (all.files.length === 0) {
      return code;
    }
    if (values['dry-run']) {
      shell.stdout.write(renderNothingWritten(true));
      return code;
    }
    if (!values.yes) {
      const isSeen = (change: FileChange): boolean => isShown({ ...change, words: change.changes.flatMap(({ words }) => words) }, redact);
      for (const { file: unseen } of all.files.filter((change) => !isSeen(change))) {
        say(`${unseen.path} is not written without --yes: its change is too long to be shown.`);
        code = exitCodes.youMustAct;
      }
      all = { ...all, files: all.files.filter(isSeen) };
      const answer = shell.ask && all.files.length > 0 ? await agreedMode(shell.ask, request) : undefined;
      if (answer === undefined) {
        shell.stdout.write(renderNothingWritten(false));
        return exitCodes.youMustAct;
      }
      const shown = new Map(all.files.map(({ file: { realPath, fingerprint } }) => [realPath, fingerprint]));
      const again = await prepare(answer === 'yes' ? {} : { onStale: answer });
      // A file that has changed since is not what was agreed to.
      all = { ...again, files: again.files.filter(({ file: { realPath, fingerprint } }) => shown.get(realPath) === fingerprint) };
      for (const path of [...shown.keys()].filter((known) => !all.files.some(({ file: { realPath } }) => realPath === known))) {
        say(`${path} has changed since you were asked; it was not written.`);
        code = exitCodes.error;
      }
    }
    if (all.files.some(({ changes }) => changes.some(({ needsLauncher }) => needsLauncher))) {
      putLauncher(context, runFolder.path);
    }
    for (const change of all.files) {
      try {
        const backup = makeChange(change, runFolder.path, shell.now());
        shell.stdout.write(renderAllDone(change, backup, viewWidth(shell)));
      } catch (error) {
        say(redact(`${change.file.path} was not written: ${reasonOf(error)}`));
        code = exitCodes.error;
      }
    }
    return code;
  } finally {
    session.surveyor.dispose();
  }
}
