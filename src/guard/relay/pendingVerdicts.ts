import type { IdKey } from '../message/envelope.ts';
import type { Verdict } from './relayContext.ts';

/** Calls that wait for the gate's decision, by id. */
export class PendingVerdicts {
  /** Keyed by a token: a client may violate the protocol and use an id twice, and each use is a call. */
  readonly calls = new Map<object, { readonly id: IdKey; readonly line: Buffer | undefined }>();

  /** @param decided gets the verdict, unless the call is cancelled before */
  add(id: IdKey, verdict: Promise<Verdict>, decided: (verdict: Verdict) => void, line?: Buffer): void {
    const token = {};
    this.calls.set(token, { id, line });
    const go = (result: Verdict): void => {
      if (this.calls.delete(token)) {
        decided(result);
      }
    };
    // A check that fails lets the call pass.
    void verdict.then(go, () => go('pass'));
  }

  /** The client cancelled a call. @returns whether it waited here */
  withdraw(id: IdKey): boolean {
    const tokens = [...this.calls].filter(([, one]) => one.id === id).map(([token]) => token);
    for (const token of tokens) {
      this.calls.delete(token);
    }
    return tokens.length > 0;
  }
}
