import type { Verdict } from './callGate.ts';
import type { IdKey } from './envelope.ts';

/** Calls that wait for the gate's decision, by id. */
export class AwaitedVerdicts {
  readonly #waiting = new Map<IdKey, object>();

  get size(): number {
    return this.#waiting.size;
  }

  /** @param decided hears the verdict, unless the call is withdrawn before */
  add(id: IdKey, verdict: Promise<Verdict>, decided: (verdict: Verdict) => void): void {
    const token = {};
    this.#waiting.set(id, token);
    const go = (result: Verdict): void => {
      if (this.#waiting.get(id) === token) {
        this.#waiting.delete(id);
        decided(result);
      }
    };
    // A check that fails lets the call pass.
    void verdict.then(go, () => go('pass'));
  }

  /** The client wants no answer any more. @returns whether the call waited here */
  withdraw(id: IdKey): boolean {
    return this.#waiting.delete(id);
  }
}
