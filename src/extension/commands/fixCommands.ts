import { commands as editor, type QuickInputButton, ThemeIcon, window } from 'vscode';
import { t } from '../../base/language/translate.ts';
import type { Instance } from '../../model/snapshot.ts';
import { type Attention, attentions, fixable } from '../display/attention.ts';
import { listedNames, oneLine } from '../display/plainText.ts';
import { type FixPick, fixPicks } from '../display/serverPicks.ts';
import { type CommandName, commands, settings } from '../manifestNames.ts';
import { tell } from '../messages.ts';
import type { WindowState } from '../window/windowState.ts';
import type { OtherOwnerCommands } from './otherOwnerCommands.ts';
import type { RestartCommands } from './restartCommands.ts';

/** "Fix Problems…": the list that a click on the status bar opens, one fix per line, and "Fix All". */
export class FixCommands {
  // VS Code passes the object back that was clicked.
  readonly #ignore: QuickInputButton = { iconPath: new ThemeIcon('eye-closed'), tooltip: t('Ignore') };
  readonly #ignoreClient: QuickInputButton = { iconPath: new ThemeIcon('eye-closed'), tooltip: t('Ignore for This Client') };
  readonly #details: QuickInputButton = { iconPath: new ThemeIcon('info'), tooltip: t('Show Details') };
  readonly #state: WindowState;
  readonly #restarts: RestartCommands;
  readonly #machine: OtherOwnerCommands;

  constructor(state: WindowState, restarts: RestartCommands, machine: OtherOwnerCommands) {
    this.#state = state;
    this.#restarts = restarts;
    this.#machine = machine;
  }

  /** Lists what needs attention; shows the view when nothing does. */
  async pick(): Promise<void> {
    const lines = this.#lines();
    if (!lines.some((line) => line.item)) {
      await editor.executeCommand(commands.showServers);
      return;
    }
    const picker = window.createQuickPick<(typeof lines)[number]>();
    const showLines = (now: typeof lines): void => {
      const count = now.filter(({ item }) => item && item.finding.kind !== 'update-available').length;
      const some = count === 1 ? t('Fix MCP Servers: 1 needs attention') : t('Fix MCP Servers: {0} need attention', count);
      picker.title = count === 0 ? t('Fix MCP Servers') : some;
      picker.items = now;
    };
    picker.placeholder = t('Choose what to fix');
    picker.matchOnDescription = true;
    showLines(lines);
    const listener = this.#state.onChange(() => {
      // New items would move the selection, so only changes are set.
      const now = this.#lines();
      if (JSON.stringify(now) !== JSON.stringify(picker.items)) {
        showLines(now);
      }
    });
    const chosen = await new Promise<FixPick | undefined>((done) => {
      picker.onDidAccept(() => done(picker.selectedItems[0]));
      picker.onDidHide(() => done(undefined));
      picker.onDidTriggerItemButton(({ item: { item }, button }) => {
        if (item && (button === this.#ignore || button === this.#ignoreClient)) {
          void this.ignore(item);
        } else if (item?.instance) {
          void editor.executeCommand(commands.showDetails, item.instance.id);
        }
      });
      picker.show();
    });
    listener.dispose();
    picker.dispose();
    await this.#do(chosen);
  }

  #lines() {
    const { snapshot, facts } = this.#state;
    const picks = snapshot ? fixPicks(snapshot, facts) : [];
    return picks.map((pick) => ({
      ...pick,
      buttons: pick.item ? [...(pick.item.instance ? [this.#details] : []), ...this.#ignoreButtons(pick.item)] : [],
    }));
  }

  /** An update is no problem that could be ignored. */
  #ignoreButtons({ finding }: Attention): readonly QuickInputButton[] {
    return finding.kind === 'update-available' ? [] : [finding.kind === 'copies' ? this.#ignoreClient : this.#ignore];
  }

  async #do(chosen: FixPick | undefined): Promise<void> {
    switch (chosen?.does) {
      case 'fix-all':
        return this.fixAll();
      case 'show':
        return void (await editor.executeCommand(commands.showServers));
      case 'settings':
        return void (await editor.executeCommand('workbench.action.openSettings', settingsQuery));
    }
    const { item } = chosen ?? {};
    if (item?.fix === 'step' && item.instance) {
      await this.#restarts.copyStep(item.instance);
    } else if (item) {
      await editor.executeCommand(commandOfFix[item.fix], item.instance?.id ?? item.definition?.id);
    }
  }

  /** Restarts every server that a click restarts, and stops the proven orphans, after one question. A failure does not stop the rest. */
  async fixAll(): Promise<void> {
    const { snapshot, facts } = this.#state;
    const items = snapshot ? fixable(attentions(snapshot, facts), facts) : [];
    const restart = items.flatMap(({ fix, instance }) => (fix === 'restart' && instance ? [instance] : []));
    const stop = items.flatMap(({ fix, instance }) => (fix === 'stop' && instance ? [instance] : []));
    if (items.length === 0) {
      tell('info', t('Nothing here can be fixed by a click.'));
      return;
    }
    const names = (chosen: readonly Instance[]): string => listedNames(chosen.map(({ name }) => name));
    const detail = [
      ...(restart.length > 0 ? [t('Restart {0}. A call that is running fails.', names(restart))] : []),
      ...(stop.length > 0 ? [t('Stop {0}. No client is connected.', names(stop))] : []),
    ].join('\n');
    const message = items.length === 1 ? t('Fix 1 server?') : t('Fix {0} servers?', items.length);
    const button = t('Fix All');
    if ((await window.showWarningMessage(message, { modal: true, detail }, button)) !== button) {
      return;
    }
    await this.#restarts.restartEach(restart);
    await this.#machine.stopOrphans(stop.map(({ id }) => id));
  }

  /** "Ignore This Problem" on a row. */
  async ignoreInstance(instance: Instance): Promise<void> {
    const { snapshot, facts } = this.#state;
    // Of this server alone: of the idle copies of an entry the list shows the first.
    const [item] = snapshot ? attentions({ ...snapshot, instances: [instance], definitions: [] }, facts) : [];
    if (item) {
      await this.ignore(item);
    }
  }

  /** Counts the finding no longer, until the user takes that back. */
  async ignore({ key, name, finding, instance }: Attention): Promise<void> {
    await this.#state.remember('ignored', [key], true);
    const told =
      finding.kind === 'copies'
        ? t('Idle copies of {0} no longer count as problems.', oneLine(instance?.client?.name ?? name, 60))
        : t('{0} no longer counts as a problem.', oneLine(name, 60));
    tell('info', told, { [t('Undo')]: () => this.#state.remember('ignored', [key], false) });
  }
}

/** Shows every setting of the extension. */
const settingsQuery = `@id:${settings.notifications.slice(0, settings.notifications.lastIndexOf('.'))}.*`;

const commandOfFix: Readonly<Record<Attention['fix'], CommandName>> = {
  restart: commands.restartInstance,
  upgrade: commands.upgradeInstance,
  stop: commands.stopInstance,
  'stop-copies': commands.stopCopies,
  step: commands.howToRestart,
  open: commands.revealDefinition,
};
