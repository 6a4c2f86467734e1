import { type Disposable, DisposableStore } from '../../base/disposable.ts';
import { t } from '../../base/language/translate.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { LiveSurvey, SurveyedEntry } from '../../survey/liveSurvey.ts';

/** The live survey as the views see it. It exists from activation on, although the survey starts later and may fail to start. */
export class SurveyHandle implements Disposable {
  readonly #store = new DisposableStore();
  readonly #listeners = new Set<(snapshot: Snapshot) => void>();
  #live: Promise<LiveSurvey> | undefined;
  #snapshot: Snapshot | undefined;

  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  /** Starts the survey. @throws what `begin` throws; the caller may then try again */
  async start(begin: () => Promise<LiveSurvey>): Promise<void> {
    const live = begin();
    this.#live = live;
    try {
      const survey = this.#store.add(await live);
      this.#store.add(survey.onSnapshot((snapshot) => this.#publish(snapshot)));
      if (survey.snapshot) {
        this.#publish(survey.snapshot);
      }
    } catch (error) {
      this.#live = undefined;
      throw error;
    }
  }

  onSnapshot(listener: (snapshot: Snapshot) => void): Disposable {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  }

  /** Scans the machine now. @throws when the survey has not started or the scan fails */
  async refresh(): Promise<Snapshot> {
    if (!this.#live) {
      throw new Error(t('MCP Shepherd has not scanned the machine yet.'));
    }
    return (await this.#live).refresh();
  }

  /** An entry as it stands in its file now; undefined when the file no longer has it. @throws when the survey has not started */
  async entry(id: string): Promise<SurveyedEntry | undefined> {
    if (!this.#live) {
      throw new Error(t('MCP Shepherd has not scanned the machine yet.'));
    }
    return (await this.#live).entry(id);
  }

  #publish(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    for (const listener of this.#listeners) {
      listener(snapshot);
    }
  }

  dispose(): void {
    this.#listeners.clear();
    this.#store.dispose();
  }
}
