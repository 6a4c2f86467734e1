import { type Disposable, DisposableStore } from '../../base/disposable.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { LiveSurvey, SurveyedEntry } from '../../survey/liveSurvey.ts';

/**
 * The live survey as the views see it: there from the start, although the survey itself begins after activation and may fail to.
 */
export class SurveyHandle implements Disposable {
  readonly #store = new DisposableStore();
  readonly #listeners = new Set<(snapshot: Snapshot) => void>();
  #live: Promise<LiveSurvey> | undefined;
  #snapshot: Snapshot | undefined;

  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  /** Begins. @throws what `begin` throws; it may be called again then */
  async start(begin: () => Promise<LiveSurvey>): Promise<void> {
    const live = begin();
    this.#live = live;
    try {
      const survey = this.#store.add(await live);
      this.#store.add(survey.onSnapshot((snapshot) => this.#took(snapshot)));
      if (survey.snapshot) {
        this.#took(survey.snapshot);
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

  /** Looks at everything afresh. @throws when the survey did not start or fails */
  async refresh(): Promise<Snapshot> {
    if (!this.#live) {
      throw new Error('MCP Shepherd has not started to look yet.');
    }
    return (await this.#live).refresh();
  }

  /** An entry as its file has it; undefined when it is gone. @throws when the survey did not start */
  async entry(id: string): Promise<SurveyedEntry | undefined> {
    if (!this.#live) {
      throw new Error('MCP Shepherd has not started to look yet.');
    }
    return (await this.#live).entry(id);
  }

  #took(snapshot: Snapshot): void {
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
