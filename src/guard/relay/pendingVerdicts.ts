import type { IdKey } from '../message/envelope.ts';
import type { Verdict } from './callGate.ts';

/** Calls that wait for the gate's decision, by id. */
export class PendingVerdicts {
  /** Several with one id are against the protocol; each of them is a call all the same. */
  readonly #waiting = new Map<object, IdKey>();

  get size(): number {
    return this.#waiting.size;
  }

  /** @param decided hears the verdict, unless the call is withdrawn before */
  add(id: IdKey, verdict: Promise<Verdict>, decided: (verdict: Verdict) => void): void {
    const token = {};
    this.#waiting.set(token, id);
    const go = (result: Verdict): void => {
      if (this.#waiting.delete(token)) {
        decided(result);
      }
    };
    // A check that fails lets the call pass.
    void verdict.then(go, () => go('pass'));
  }

  /** The client wants no answer any more. @returns whether the call waited here */
  withdraw(id: IdKey): boolean {
    const tokens = [...this.#waiting].filter(([, one]) => one === id).map(([token]) => token);
    for (const token of tokens) {
      this.#waiting.delete(token);
    }
    return tokens.length > 0;
  }
}
