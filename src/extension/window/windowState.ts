import { type Disposable, DisposableStore } from '../../base/disposable.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { SurveyHandle } from './surveyHandle.ts';
import type { Doing, WindowFacts } from './windowFacts.ts';

/** The latest snapshot and the facts about this window, with one event for both. */
export class WindowState implements Disposable {
  readonly #store = new DisposableStore();
  readonly #listeners = new Set<() => void>();
  readonly #survey: SurveyHandle;
  readonly #busy = new Map<string, Doing>();
  #facts: Omit<WindowFacts, 'busy'>;
  #failure: string | undefined;

  constructor(survey: SurveyHandle, facts: Omit<WindowFacts, 'busy'>) {
    this.#survey = survey;
    this.#facts = facts;
    this.#store.add(
      survey.onSnapshot(() => {
        this.#failure = undefined;
        this.#changed();
      }),
    );
  }

  get snapshot(): Snapshot | undefined {
    return this.#survey.snapshot;
  }

  get facts(): WindowFacts {
    return { ...this.#facts, busy: this.#busy };
  }

  /** Why there is no snapshot. */
  get failure(): string | undefined {
    return this.#failure;
  }

  update(facts: Partial<Pick<WindowFacts, 'trusted' | 'controllable'>>): void {
    this.#facts = { ...this.#facts, ...facts };
    this.#changed();
  }

  fail(reason: string): void {
    this.#failure = reason;
    this.#changed();
  }

  /** Marks an instance as busy while `work` runs. */
  async whileBusy<T>(instanceId: string, doing: Doing, work: () => Promise<T>): Promise<T> {
    this.#busy.set(instanceId, doing);
    this.#changed();
    try {
      return await work();
    } finally {
      this.#busy.delete(instanceId);
      this.#changed();
    }
  }

  /** Marks several instances as busy while `work` runs. */
  async whileAllBusy<T>(instanceIds: readonly string[], doing: Doing, work: () => Promise<T>): Promise<T> {
    const [first, ...rest] = instanceIds;
    return first === undefined ? work() : this.whileBusy(first, doing, () => this.whileAllBusy(rest, doing, work));
  }

  onChange(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  }

  #changed(): void {
    for (const listener of this.#listeners) {
      listener();
    }
  }

  dispose(): void {
    this.#listeners.clear();
    this.#store.dispose();
  }
}
