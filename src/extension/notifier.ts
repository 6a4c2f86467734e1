import { window } from 'vscode';
import { type Disposable, DisposableStore } from '../types/disposable.ts';
import type { Log } from '../types/log.ts';
import type { Instance } from '../types/snapshot.ts';
import { type Announcement, announcements, announcementText, isOwn, ownerFirstMs, speaksNow } from './announcements.ts';
import { withoutLinks } from './plainText.ts';
import { notificationMode } from './settings.ts';
import { isRestartableHere } from './windowFacts.ts';
import type { WindowState } from './windowState.ts';

/** What the notifier sets going. */
export interface NotifierActions {
  restart(instance: Instance): Promise<void>;
  explain(instance: Instance): Promise<void>;
  show(instanceId: string): Promise<void>;
  /** Claims the one notification of a key on this machine; true for exactly one window. */
  claim(key: string): boolean;
}

/** Tells of each upgrade that left running servers behind: once on this machine, in the window that it concerns most. */
export class Notifier implements Disposable {
  readonly #store = new DisposableStore();
  readonly #state: WindowState;
  readonly #actions: NotifierActions;
  readonly #log: Log;
  /** When this window first saw each upgrade, epoch ms. */
  readonly #firstSeen = new Map<string, number>();
  /** Claimed here or by another window: settled. */
  readonly #settled = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(state: WindowState, actions: NotifierActions, log: Log) {
    this.#state = state;
    this.#actions = actions;
    this.#log = log;
    this.#store.add(state.onChange(() => this.#consider()));
    this.#store.add(window.onDidChangeWindowState((event) => event.focused && this.#consider()));
    this.#store.add({ dispose: () => clearTimeout(this.#timer) });
  }

  #consider(): void {
    const { snapshot, facts } = this.#state;
    const mode = notificationMode();
    if (!snapshot || mode === 'off') {
      return;
    }
    const current = announcements(snapshot);
    for (const key of this.#firstSeen.keys()) {
      if (!current.some((announcement) => announcement.key === key)) {
        this.#firstSeen.delete(key);
      }
    }
    for (const announcement of current) {
      const { key } = announcement;
      const firstSeen = this.#firstSeen.get(key) ?? Date.now();
      this.#firstSeen.set(key, firstSeen);
      if (this.#settled.has(key) || (mode === 'thisWindow' && !isOwn(announcement, facts))) {
        continue;
      }
      const waited = Date.now() - firstSeen;
      if (speaksNow(announcement, facts, window.state.focused, waited)) {
        this.#settled.add(key);
        if (this.#actions.claim(key)) {
          this.#tell(announcement).catch((error: unknown) => this.#log.error(`A notification failed: ${String(error)}`));
        }
      } else if (waited < ownerFirstMs) {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#consider(), ownerFirstMs - waited);
      }
    }
  }

  async #tell(announcement: Announcement): Promise<void> {
    const { snapshot, facts } = this.#state;
    const [first] = announcement.instances;
    if (!snapshot || !first) {
      return;
    }
    const here = announcement.instances.filter((instance) => isRestartableHere(instance, snapshot, facts));
    const text = announcementText(announcement, facts);
    this.#log.info(text);
    const act = here.length > 0 ? 'Restart' : 'How to Restart';
    const choice = await window.showWarningMessage(withoutLinks(text, 400), act, 'Show', 'Not for This Version');
    switch (choice) {
      case 'Restart':
        for (const instance of here) {
          await this.#actions.restart(instance);
        }
        break;
      case 'How to Restart':
        await this.#actions.explain(first);
        break;
      case 'Show':
        await this.#actions.show(first.id);
        break;
      case 'Not for This Version':
        this.#log.info(`No more notifications for this version of ${first.name}.`);
        break;
    }
  }

  dispose(): void {
    this.#store.dispose();
  }
}
