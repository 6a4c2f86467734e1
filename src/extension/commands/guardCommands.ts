import { type QuickPickItem, window, workspace } from 'vscode';
import { copyTargets, prepareCopy } from '../../action/protect/copyEntry.ts';
import { prepareFix } from '../../action/protect/entryFix.ts';
import { guardability } from '../../action/protect/guardArguments.ts';
import { type Installer, installLauncher, tryLauncher } from '../../action/protect/launcher.ts';
import {
  makeChange,
  type Preparation,
  type ProtectChange,
  type ProtectRequest,
  prepareProtect,
} from '../../action/protect/protectChange.ts';
import type { Machine } from '../../action/protect/protectFacts.ts';
import { reasonOf } from '../../base/errors.ts';
import { t } from '../../base/language/translate.ts';
import type { Log } from '../../base/log.ts';
import type { Definition } from '../../model/definition.ts';
import type { StaleMode } from '../../model/staleMode.ts';
import { changeNotice, guardDone, guardPicks, guardQuestion } from '../display/guardQuestions.ts';
import { oneLine, withoutIcons } from '../display/plainText.ts';
import { pathText, sourceText } from '../display/sourceText.ts';
import { showWork, tell } from '../messages.ts';
import type { PreviewDocuments } from '../views/previewDocuments.ts';
import type { SurveyHandle } from '../window/surveyHandle.ts';
import type { WindowState } from '../window/windowState.ts';

interface How {
  readonly action: ProtectRequest['action'];
  readonly portable: boolean;
}

interface GuardContext {
  readonly state: WindowState;
  readonly survey: SurveyHandle;
  /** Starts a server of this window whose entry has changed. @returns what went wrong */
  start(definition: Definition, old: string, guarded: boolean): Promise<string | undefined>;
  readonly previews: PreviewDocuments;
  /** @throws when the run folder cannot be determined */
  installer(): Installer;
  readonly log: Log;
}

/** "Launch Through Guard" and "Launch Without Guard": asks for the mode, shows the change beside the file, asks, writes it, and restarts a server of this window. */
export class GuardCommands {
  readonly #context: GuardContext;

  constructor(context: GuardContext) {
    this.#context = context;
  }

  /** @param definition the entry; undefined = the user picks one */
  async change(definition: Definition | undefined, action: ProtectRequest['action']): Promise<void> {
    const chosen = definition ?? (await this.#pick(action));
    if (!chosen) {
      return;
    }
    if (this.#isRestricted(chosen)) {
      return;
    }
    try {
      await this.#change(chosen, { action, portable: false });
    } catch (error) {
      const reason = reasonOf(error);
      this.#context.log.error(`${chosen.name}: ${reason}`);
      tell('error', t('{0} was not changed: {1}', oneLine(chosen.name, 60), reason));
    }
  }

  /** Whether the entry belongs to a folder that the user does not trust; says so. */
  #isRestricted({ folder }: Definition): boolean {
    const restricted = !this.#context.state.facts.trusted && folder !== undefined;
    if (restricted) {
      tell('info', t('This window is in Restricted Mode. Trust the workspace to change or copy its entries.'));
    }
    return restricted;
  }

  /** "Copy Entry To…": asks for the client, shows the change without the values of variables, asks, and writes it. */
  async copy(definition: Definition): Promise<void> {
    const { state, survey, installer, previews, log } = this.#context;
    const name = oneLine(definition.name, 60);
    if (this.#isRestricted(definition)) {
      return;
    }
    try {
      const { runDir, platform, env } = installer();
      const found = await survey.entry(definition.id);
      const machine: Machine = { home: state.facts.home, platform, env, running: found?.running ?? new Map() };
      const picks = copyTargets(definition.client, machine).map(({ id, name: label, path }) => ({
        label: withoutIcons(label, 60),
        description: withoutIcons(pathText(path, machine.home), 160),
        id,
      }));
      const pick = await window.showQuickPick(picks, {
        title: t('Copy {0} To', withoutIcons(definition.name, 60)),
        placeHolder: t('Choose a client'),
      });
      if (!pick || !found) {
        return;
      }
      const change = await prepareCopy(found.definition, pick.id, state.snapshot?.definitions ?? [], machine);
      if (change.kind === 'refused') {
        tell('warning', [change.reason, ...change.advice].join(' '));
        return;
      }
      const { file, shown: after, warnings } = change;
      if (isUnsaved(file.path)) {
        return;
      }
      if (warnings.length > 0) {
        tell('info', warnings.join(' '));
      }
      const notice = t('Copy {0} to {1}? Nothing is written yet.', name, pick.label);
      if (await previews.ask({ file, after, title: t('{0}: {1} (preview)', pick.label, name), notice })) {
        const backup = makeChange(change, runDir, Date.now());
        log.info(`${file.path}: ${name} was copied. Backup: ${backup}`);
        tell('info', t('{0} is copied. {1}', name, change.restartStep));
      }
    } catch (error) {
      log.error(`${definition.name}: ${reasonOf(error)}`);
      tell('error', t('{0} was not copied: {1}', name, reasonOf(error)));
    }
  }

  /** "Correct the Entry", a quick fix: shows the change that has one right result, asks, and writes it. */
  async correct(definition: Definition): Promise<void> {
    const { state, survey, installer, previews, log } = this.#context;
    const name = oneLine(definition.name, 60);
    if (this.#isRestricted(definition) || isUnsaved(definition.file)) {
      return;
    }
    try {
      const { runDir, platform, env } = installer();
      const found = await survey.entry(definition.id);
      const fix = state.snapshot?.health?.find((note) => note.definition === definition.id && note.fix !== undefined)?.fix;
      if (!found || fix === undefined) {
        tell('info', t('MCP Shepherd found nothing to correct in {0}. Nothing was changed.', name));
        return;
      }
      const change = await prepareFix(found.definition, fix, { home: state.facts.home, platform, env, running: found.running });
      if (change.kind === 'refused') {
        tell('warning', change.reason);
        return;
      }
      if (change.warnings.length > 0) {
        tell('info', change.warnings.join(' '));
      }
      const title = t('{0}: {1} (preview)', sourceText(definition, state.facts.home), name);
      const notice = t('Correct the command of {0}? Nothing is written yet.', name);
      if (await previews.ask({ file: change.file, after: change.after, title, notice })) {
        const backup = makeChange(change, runDir, Date.now());
        log.info(`${definition.file}: the command of ${name} was corrected. Backup: ${backup}`);
        tell('info', t('{0} is corrected. {1}', name, change.restartStep));
      }
    } catch (error) {
      log.error(`${definition.name}: ${reasonOf(error)}`);
      tell('error', t('{0} was not corrected: {1}', name, reasonOf(error)));
    }
  }

  async #change(definition: Definition, how: How): Promise<void> {
    const preparation = await this.#prepare(definition, how, undefined);
    if (preparation.kind === 'unchanged') {
      if (preparation.needsLauncher) {
        this.#putLauncher();
      }
      tell('info', preparation.reason);
      return;
    }
    if (preparation.kind === 'refused') {
      const portable = { [t('Use the Portable Form')]: () => this.#change(definition, { ...how, portable: true }) };
      tell('warning', [preparation.reason, ...preparation.advice].join(' '), preparation.portableHelps ? portable : {});
      return;
    }
    if (isUnsaved(definition.file)) {
      return;
    }
    const agreed = await this.#ask(definition, preparation, how);
    if (agreed) {
      this.#write(agreed);
      await this.#restart(definition, agreed);
    }
  }

  /** Asks for the mode, then shows the change and asks again. @returns the change with the chosen mode; undefined when cancelled */
  async #ask(definition: Definition, first: ProtectChange, how: How): Promise<ProtectChange | undefined> {
    const source = sourceText(definition, this.#context.state.facts.home);
    let mode: StaleMode | undefined;
    if (how.action === 'protect') {
      const pick = await window.showQuickPick(guardPicks(), { ...guardQuestion(definition.name, source), ignoreFocusOut: true });
      if (!pick) {
        return undefined;
      }
      mode = pick.mode;
    }
    const change = await this.#prepareAgain(definition, how, mode, first);
    if (change.warnings.length > 0) {
      tell('info', change.warnings.join(' '));
    }
    const title = t('{0}: {1} (preview)', source, oneLine(definition.name, 60));
    const agreed = await this.#context.previews.ask({ file: change.file, after: change.after, title, notice: changeNotice(change) });
    return agreed ? this.#prepareAgain(definition, how, mode, change) : undefined;
  }

  /** @throws when the file has changed since, so that it is not overwritten */
  async #prepareAgain(definition: Definition, how: How, mode: StaleMode | undefined, before: ProtectChange): Promise<ProtectChange> {
    const change = await this.#prepare(definition, how, mode);
    if (change.kind !== 'change' || change.file.fingerprint !== before.file.fingerprint) {
      throw new Error(t('{0} has changed since you were asked. Try again.', definition.file));
    }
    return change;
  }

  async #prepare({ id, name }: Definition, { action, portable }: How, onStale: StaleMode | undefined): Promise<Preparation> {
    const { survey, installer, state } = this.#context;
    const { runDir, platform, env } = installer();
    const found = await survey.entry(id);
    if (!found) {
      throw new Error(t('{0} is no longer in any configuration file.', name));
    }
    const machine: Machine = { home: state.facts.home, platform, env, running: found.running };
    const moved = env.MCP_RUN_DIR ? { runDir } : {};
    const request: ProtectRequest =
      action === 'unprotect'
        ? { action }
        : { action, portable, choices: { locks: [], ...(onStale === undefined ? {} : { onStale }), ...moved } };
    return prepareProtect(found.definition, request, runDir, machine);
  }

  #write(change: ProtectChange): void {
    if (change.needsLauncher) {
      this.#putLauncher();
    }
    const backup = makeChange(change, this.#context.installer().runDir, Date.now());
    this.#context.log.info(`${change.definition.file}: ${guardDone(change)} Backup: ${backup}`);
  }

  #putLauncher(): void {
    const installer = this.#context.installer();
    tryLauncher(installLauncher(installer), installer.env);
  }

  /** VS Code stops a server whose entry has changed and starts it when it is next needed. A server that this window ran is started at once. */
  async #restart(definition: Definition, change: ProtectChange): Promise<void> {
    const { state, start, log } = this.#context;
    const own = state.snapshot?.instances.find(
      (instance) => instance.client?.pid === state.facts.pid && instance.definitions.includes(definition.id),
    );
    if (!own) {
      tell('info', `${guardDone(change)} ${change.restartStep}`);
      return;
    }
    const name = oneLine(definition.name, 60);
    const guarded = change.action === 'protect';
    const failure = await showWork(t('{0}: starting', name), () => start(definition, own.id, guarded));
    if (failure === undefined) {
      tell('info', guarded ? t('{0} now runs through the guard.', name) : t('{0} now runs without the guard.', name));
    } else {
      log.warn(`${name}: ${failure}`);
      tell('error', failure);
    }
  }

  async #pick(action: ProtectRequest['action']): Promise<Definition | undefined> {
    const { snapshot, facts } = this.#context.state;
    const fitting = (snapshot?.definitions ?? []).filter(
      (definition) => guardability(definition) === (action === 'protect' ? 'guardable' : 'guarded'),
    );
    if (fitting.length === 0) {
      tell('info', action === 'protect' ? t('None of your servers can use the guard.') : t('No server uses the guard.'));
      return undefined;
    }
    const picks = fitting.map((definition): QuickPickItem & { readonly definition: Definition } => ({
      label: withoutIcons(definition.name, 80),
      description: withoutIcons(sourceText(definition, facts.home), 160),
      definition,
    }));
    const title = action === 'protect' ? t('Launch Through Guard') : t('Launch Without Guard');
    return (await window.showQuickPick(picks, { title, placeHolder: t('Choose a server'), matchOnDescription: true }))?.definition;
  }
}

/** Whether the editor holds changes of a file that are not on disk; says so. */
function isUnsaved(file: string): boolean {
  const unsaved = workspace.textDocuments.some((document) => document.isDirty && document.uri.fsPath === file);
  if (unsaved) {
    tell('warning', t('{0} has unsaved changes. Save or close it first.', file));
  }
  return unsaved;
}
