import { ProgressLocation, type QuickPickItem, window, workspace } from 'vscode';
import { guardability } from '../../action/protect/hint.ts';
import { type Installer, installLauncher, tryLauncher } from '../../action/protect/launcher.ts';
import { makeChange, type Preparation, type ProtectChange, type ProtectWish, prepareProtect } from '../../action/protect/protectChange.ts';
import type { Machine } from '../../action/protect/protectFacts.ts';
import { reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Definition } from '../../model/definition.ts';
import type { StaleMode } from '../../model/staleMode.ts';
import { guardAnswers, guardDone, guardQuestion } from '../display/guardQuestions.ts';
import { oneLine, withoutIcons } from '../display/plainText.ts';
import { sourceText } from '../display/sourceText.ts';
import { tell } from '../messages.ts';
import type { PreviewDocuments } from '../views/previewDocuments.ts';
import type { SurveyHandle } from '../window/surveyHandle.ts';
import type { WindowState } from '../window/windowState.ts';

export interface GuardParts {
  readonly state: WindowState;
  readonly survey: SurveyHandle;
  /** Lets this window start a server whose entry has changed. @returns what went wrong */
  start(definition: Definition, old: string, guarded: boolean): Promise<string | undefined>;
  readonly previews: PreviewDocuments;
  /** @throws when the run folder cannot be named */
  installer(): Installer;
  readonly log: Log;
}

/** "Launch Through Guard" and its undo: shows the change beside the file, asks, writes it, and lets a server of this window start anew. */
export class GuardActions {
  readonly #parts: GuardParts;

  constructor(parts: GuardParts) {
    this.#parts = parts;
  }

  /** @param definition the entry; undefined = the person picks one */
  async change(definition: Definition | undefined, action: ProtectWish['action']): Promise<void> {
    const chosen = definition ?? (await this.#pick(action));
    if (!chosen) {
      return;
    }
    const { facts } = this.#parts.state;
    if (!facts.trusted && chosen.folder !== undefined) {
      tell('info', 'This window is in Restricted Mode. Trust the workspace first: nothing is changed in a folder that you do not trust.');
      return;
    }
    try {
      await this.#change(chosen, { action, portable: false });
    } catch (error) {
      const reason = reasonOf(error);
      this.#parts.log.error(`${chosen.name}: ${reason}`);
      tell('error', `${oneLine(chosen.name, 60)} was not changed: ${reason}`);
    }
  }

  async #change(definition: Definition, how: { readonly action: ProtectWish['action']; readonly portable: boolean }): Promise<void> {
    const preparation = await this.#prepare(definition, how, undefined);
    if (preparation.kind === 'unchanged') {
      if (preparation.needsLauncher) {
        this.#putLauncher();
      }
      tell('info', preparation.reason);
      return;
    }
    if (preparation.kind === 'refused') {
      const portable = { 'Use the Portable Form': () => this.#change(definition, { ...how, portable: true }) };
      tell('warning', [preparation.reason, ...preparation.advice].join(' '), preparation.portableHelps ? portable : {});
      return;
    }
    if (workspace.textDocuments.some((document) => document.isDirty && document.uri.fsPath === definition.file)) {
      tell('warning', `${definition.file} has changes that are not saved. Save it or close it first.`);
      return;
    }
    const agreed = await this.#ask(definition, preparation, how);
    if (agreed) {
      this.#write(agreed);
      await this.#startAnew(definition, agreed);
    }
  }

  /** Shows the change and asks. @returns the change as the person wants it */
  async #ask(
    definition: Definition,
    change: ProtectChange,
    how: { readonly action: ProtectWish['action']; readonly portable: boolean },
  ): Promise<ProtectChange | undefined> {
    const title = `${sourceText(definition, this.#parts.state.facts.home)}: ${oneLine(definition.name, 60)} (preview)`;
    const preview = await this.#parts.previews.compare(definition.file, change.after, title);
    try {
      if (change.warnings.length > 0) {
        tell('info', change.warnings.join(' '));
      }
      // No dialog: it would lie over the change. It stays open while the person looks around in that.
      const answer = await window.showQuickPick(guardAnswers(change.action), { ...guardQuestion(change), ignoreFocusOut: true });
      if (answer === undefined) {
        return undefined;
      }
      // Worked out anew: a file that has changed since is not written.
      const wanted = await this.#prepare(definition, how, answer.mode);
      if (wanted.kind !== 'change' || wanted.file.fingerprint !== change.file.fingerprint) {
        throw new Error(`${definition.file} has changed in the meantime. Look at it again.`);
      }
      return wanted;
    } finally {
      preview.dispose();
    }
  }

  async #prepare(
    { id, name }: Definition,
    { action, portable }: { readonly action: ProtectWish['action']; readonly portable: boolean },
    onStale: StaleMode | undefined,
  ): Promise<Preparation> {
    const { survey, installer, state } = this.#parts;
    const { runDir, platform, env } = installer();
    const found = await survey.entry(id);
    if (!found) {
      throw new Error(`no configuration file has ${name} any more.`);
    }
    const machine: Machine = { home: state.facts.home, platform, env, running: found.running };
    const moved = env.MCP_RUN_DIR ? { runDir } : {};
    const wish: ProtectWish =
      action === 'unprotect'
        ? { action }
        : { action, portable, choices: { locks: [], ...(onStale === undefined ? {} : { onStale }), ...moved } };
    return prepareProtect(found.definition, wish, runDir, machine);
  }

  #write(change: ProtectChange): void {
    if (change.needsLauncher) {
      this.#putLauncher();
    }
    const copy = makeChange(change, this.#parts.installer().runDir, Date.now());
    this.#parts.log.info(`${change.definition.file}: ${guardDone(change)} The file as it was: ${copy}`);
  }

  #putLauncher(): void {
    const installer = this.#parts.installer();
    tryLauncher(installLauncher(installer), installer.env);
  }

  /** VS Code ends a server whose entry has changed, and starts it when it is needed. What this window ran is started at once. */
  async #startAnew(definition: Definition, change: ProtectChange): Promise<void> {
    const { state, start, log } = this.#parts;
    const own = state.snapshot?.instances.find(
      (instance) => instance.client?.pid === state.facts.pid && instance.definitions.includes(definition.id),
    );
    if (!own) {
      tell('info', `${guardDone(change)} ${change.restartStep}`);
      return;
    }
    const name = oneLine(definition.name, 60);
    const guarded = change.action === 'protect';
    const failure = await window.withProgress({ location: ProgressLocation.Window, title: `${name}: starting` }, () =>
      start(definition, own.id, guarded),
    );
    if (failure === undefined) {
      tell('info', `${name} runs ${guarded ? 'through' : 'without'} the guard now.`);
    } else {
      log.warn(`${name}: ${failure}`);
      tell('error', failure);
    }
  }

  async #pick(action: ProtectWish['action']): Promise<Definition | undefined> {
    const { snapshot, facts } = this.#parts.state;
    const fitting = (snapshot?.definitions ?? []).filter(
      (definition) => guardability(definition) === (action === 'protect' ? 'guardable' : 'guarded'),
    );
    if (fitting.length === 0) {
      tell('info', action === 'protect' ? 'There is no entry that could start through the guard.' : 'No server starts through the guard.');
      return undefined;
    }
    const picks = fitting.map((definition): QuickPickItem & { readonly definition: Definition } => ({
      label: withoutIcons(definition.name, 80),
      description: withoutIcons(sourceText(definition, facts.home), 160),
      definition,
    }));
    const title = action === 'protect' ? 'Launch Through Guard' : 'Launch Without Guard';
    return (await window.showQuickPick(picks, { title, placeHolder: 'Choose the server', matchOnDescription: true }))?.definition;
  }
}
