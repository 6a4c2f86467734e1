import { window } from 'vscode';
import { type Disposable, DisposableStore } from '../../base/disposable.ts';
import { t } from '../../base/language/translate.ts';
import type { Log } from '../../base/log.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import {
  type Announcement,
  announcements,
  announcementText,
  groupText,
  isOwn,
  notifiesNow,
  ownerFirstMs,
} from '../display/announcements.ts';
import { fixOf, muteKey } from '../display/attention.ts';
import { oneLine } from '../display/plainText.ts';
import { type Buttons, tell } from '../messages.ts';
import { notificationMode, wantedNotifications } from '../settings.ts';
import { isRestartable, isStale } from '../window/windowFacts.ts';
import type { WindowState } from '../window/windowState.ts';

export interface NotifierActions {
  /** Restarts them one after the other. */
  restart(instances: readonly Instance[]): Promise<void>;
  /** Asks, and stops it. */
  stop(instance: Instance): Promise<void>;
  /** Copies the step by which the user restarts it in its client. */
  copyStep(instance: Instance): Promise<void>;
  /** Shows everything known about it. */
  details(instance: Instance): Promise<void>;
  /** Lists what needs attention. */
  review(): Promise<void>;
  /** Claims the one notification for a key on this machine. @returns true in exactly one window */
  claim(key: string): boolean;
}

/** Notifies once per machine about each problem of the kinds that the user has chosen, in the window that runs one of the servers if possible. */
export class Notifier implements Disposable {
  readonly #store = new DisposableStore();
  readonly #state: WindowState;
  readonly #actions: NotifierActions;
  readonly #log: Log;
  /** When this window first saw each problem, epoch ms. */
  readonly #firstSeen = new Map<string, number>();
  /** Keys that this or another window has claimed. */
  readonly #settled = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(state: WindowState, actions: NotifierActions, log: Log) {
    this.#state = state;
    this.#actions = actions;
    this.#log = log;
    this.#store.add(state.onChange(() => this.#consider()));
    this.#store.add(window.onDidChangeWindowState((event) => event.focused && this.#consider()));
    this.#store.add({ dispose: () => clearTimeout(this.#timer) });
    this.#consider();
  }

  #consider(): void {
    const { snapshot, facts } = this.#state;
    const mode = notificationMode();
    if (!snapshot || mode === 'off') {
      return;
    }
    const current = announcements(snapshot, facts, wantedNotifications());
    for (const key of this.#firstSeen.keys()) {
      if (!current.some((announcement) => announcement.key === key)) {
        this.#firstSeen.delete(key);
      }
    }
    const due: Announcement[] = [];
    for (const announcement of current) {
      const { key } = announcement;
      const firstSeen = this.#firstSeen.get(key) ?? Date.now();
      this.#firstSeen.set(key, firstSeen);
      if (announcement.instances.every((instance) => facts.busy.has(instance.id))) {
        continue; // being replaced right now
      }
      if (this.#settled.has(key) || (mode === 'thisWindow' && !isOwn(announcement, facts))) {
        continue;
      }
      const waited = Date.now() - firstSeen;
      if (notifiesNow(announcement, facts, window.state.focused, waited)) {
        this.#settled.add(key);
        if (this.#actions.claim(key)) {
          due.push(announcement);
        }
      } else if (waited < ownerFirstMs) {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#consider(), ownerFirstMs - waited);
      }
    }
    if (due.length > 0) {
      this.#tell(due);
    }
  }

  /** Shows one notification for all problems that are due. */
  #tell(due: readonly Announcement[]): void {
    const { snapshot, facts } = this.#state;
    const [one, ...others] = due;
    const [first] = one?.instances ?? [];
    if (!snapshot || !one || !first) {
      return;
    }
    const here = due
      .flatMap((announcement) => announcement.instances)
      .filter((instance) => isStale(instance) && isRestartable(instance, snapshot, facts));
    const text = others.length === 0 ? announcementText(one, facts) : groupText(due);
    this.#log.info(text);
    const restartAll = (): Promise<void> => this.#actions.restart(here);
    const mute = { [t('Mute This Server')]: () => this.#mute(one) };
    if (due.flatMap(({ instances }) => instances).length > 1) {
      const restart: Buttons = here.length > 0 ? { [t('Restart {0}', here.length)]: restartAll } : {};
      // Copies of one server may be muted, servers that have only their package in common not by one click.
      const isOne = others.length === 0 && one.instances.every(({ name }) => name === first.name);
      tell('warning', text, { ...restart, [t('Review…')]: () => this.#actions.review(), ...(isOne ? mute : {}) });
      return;
    }
    tell('warning', text, {
      ...(here.length > 0 ? { [t('Restart')]: restartAll } : this.#buttonFor(one, first, snapshot)),
      [t('Details')]: () => this.#actions.details(first),
      ...mute,
    });
  }

  #buttonFor({ finding, name }: Announcement, instance: Instance, snapshot: Snapshot): Buttons {
    switch (fixOf(finding, { instance, name }, snapshot, this.#state.facts)) {
      case 'restart':
        return { [t('Restart')]: () => this.#actions.restart([instance]) };
      case 'stop':
        return { [t('Stop…')]: () => this.#actions.stop(instance) };
      default:
        return { [t('Copy Step')]: () => this.#actions.copyStep(instance) };
    }
  }

  /** Shows no notification about these servers in any window, until the user takes that back. */
  async #mute({ name, instances }: Announcement): Promise<void> {
    const keys = instances.map((instance) => muteKey(instance));
    await this.#state.remember('muted', keys, true);
    tell('info', t('No more notifications about {0}. The status bar and the view still show what is wrong.', oneLine(name, 60)), {
      [t('Undo')]: () => this.#state.remember('muted', keys, false),
    });
  }

  dispose(): void {
    this.#store.dispose();
  }
}
