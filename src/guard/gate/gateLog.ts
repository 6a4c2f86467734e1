import { type CodeState, driftKey } from './codeDrift.ts';
import { driftText } from './refusal.ts';

/** Says everything once: a client may repeat a refused call for hours. */
export class GateLog {
  readonly #write: (line: string) => void;
  readonly #said = new Map<string, string>();

  /** @param write takes one line; what it throws is swallowed */
  constructor(write: (line: string) => void) {
    this.#write = (line) => {
      try {
        write(line);
      } catch {
        // A log that cannot be written stops no call.
      }
    };
  }

  /** One line for each kind until it is another one. */
  once(kind: string, line: string): void {
    if (this.#said.get(kind) !== line) {
      this.#said.set(kind, line);
      this.#write(line);
    }
  }

  /** Why nothing can be compared. */
  unknown(reason: string): void {
    this.once('unknown', `its packages are not compared: ${reason}`);
  }

  /** One line for each distinct drift, for each thing that cannot be compared, and when all is well again. */
  state(state: CodeState): void {
    if (state.state === 'unreadable' || state.unreadable.length > 0) {
      const names = state.unreadable.length === 0 ? '' : `: ${state.unreadable.join(', ')}`;
      this.once('unreadable', `not compared${names} (${state.state === 'unreadable' ? state.reason : 'the metadata cannot be read'})`);
    } else {
      this.#said.delete('unreadable');
    }
    const key = state.state === 'changed' ? driftKey(state.packages) : '';
    const known = this.#said.get('drift') ?? '';
    if (state.state === 'changed' && key !== known) {
      this.#said.set('drift', key);
      this.#write(`stale: ${state.packages.map(driftText).join('; ')}`);
    } else if (state.state === 'unchanged' && known !== '') {
      this.#said.set('drift', '');
      this.#write('no longer stale: what it runs is what is installed');
    }
  }
}
