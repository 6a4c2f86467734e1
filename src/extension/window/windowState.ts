import { type Disposable, DisposableStore } from '../../base/disposable.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { SurveyHandle } from './surveyHandle.ts';
import { type Doing, groupings, type UserChoices, type WindowFacts } from './windowFacts.ts';

/** The state that the editor keeps for the extension, for all windows. */
interface KeptChoices {
  get(key: keyof UserChoices): unknown;
  update(key: keyof UserChoices, value: unknown): PromiseLike<void>;
}

/** More remembered findings than this push out the oldest. */
const mostKeys = 500;

/** The latest snapshot and the facts about this window, with one event for both. */
export class WindowState implements Disposable {
  readonly #store = new DisposableStore();
  readonly #listeners = new Set<() => void>();
  readonly #survey: SurveyHandle;
  readonly #busy = new Map<string, Doing>();
  readonly #kept: KeptChoices;
  readonly #stopped = new Set<string>();
  #facts: Omit<WindowFacts, 'busy' | 'stopped' | 'choices'>;
  #failure: string | undefined;

  constructor(survey: SurveyHandle, facts: Omit<WindowFacts, 'busy' | 'stopped' | 'choices'>, kept: KeptChoices) {
    this.#survey = survey;
    this.#facts = facts;
    this.#kept = kept;
    this.#store.add(
      survey.onSnapshot(() => {
        this.#failure = undefined;
        for (const id of this.snapshot?.instances.flatMap(({ definitions }) => definitions) ?? []) {
          this.#stopped.delete(id);
        }
        this.#changed();
      }),
    );
  }

  get snapshot(): Snapshot | undefined {
    return this.#survey.snapshot;
  }

  get facts(): WindowFacts {
    return { ...this.#facts, busy: this.#busy, stopped: this.#stopped, choices: this.#choices() };
  }

  /** Another window, or another version of the extension, may have written them. */
  #choices(): UserChoices {
    const keys = (name: 'ignored' | 'muted'): readonly string[] => {
      const kept = this.#kept.get(name);
      return Array.isArray(kept) ? kept.filter((key) => typeof key === 'string') : [];
    };
    const groupBy = groupings.find((one) => one === this.#kept.get('groupBy')) ?? 'client';
    return { ignored: keys('ignored'), muted: keys('muted'), onlyProblems: this.#kept.get('onlyProblems') === true, groupBy };
  }

  /** Remembers a choice for all windows. */
  async choose<Name extends keyof UserChoices>(name: Name, value: UserChoices[Name]): Promise<void> {
    const kept = this.#kept.update(name, value);
    this.#changed();
    await kept;
  }

  /** Adds keys to what is ignored or muted, or removes them. */
  async remember(name: 'ignored' | 'muted', keys: readonly string[], wanted: boolean): Promise<void> {
    const others = this.facts.choices[name].filter((key) => !keys.includes(key));
    await this.choose(name, wanted ? [...others, ...keys].slice(-mostKeys) : others);
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

  /** Keeps the rows of entries in their places, although their servers do not run any longer. */
  markStopped(definitionIds: readonly string[]): void {
    for (const id of definitionIds) {
      this.#stopped.add(id);
    }
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
