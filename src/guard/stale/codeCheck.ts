import type { ClosureReading } from '../../model/package.ts';
import { statPath } from '../../storage/boundedFile.ts';
import { type CodeState, compareCode } from './codeDrift.ts';
import type { LoadedCode, ServerCode } from './serverCode.ts';

/** Compares the code that a server loaded with what is on disk, at each call of `check`. */
export class CodeCheck {
  readonly code: ServerCode;
  /** Inputs of the last comparison. */
  #loaded: LoadedCode | undefined;
  #seen: ClosureReading | undefined;
  #state: CodeState | undefined;

  constructor(code: ServerCode) {
    this.code = code;
  }

  /** Compares now. A reading that failed is repeated each time. */
  check(): CodeState {
    const { ref, loaded, unknown = '' } = this.code;
    const seen = this.code.readInstalled();
    if (!ref || !loaded || !seen) {
      return { state: 'unreadable', reason: unknown, unreadable: [] };
    }
    const { reading, at } = seen;
    if (reading === this.#seen && loaded === this.#loaded && this.#state && isLasting(reading, this.#state)) {
      return this.#state;
    }
    this.#loaded = loaded;
    this.#seen = reading;
    this.#state = compareCode({
      loaded,
      editable: ref.editable === true,
      now: reading,
      at,
      isGone: (root) => statPath(root).status === 'absent',
    });
    return this.#state;
  }
}

/** Whether the state holds until a file changes. A reading may fail for other reasons (no descriptors left), and an installer ends soon. */
function isLasting(reading: ClosureReading, state: CodeState): boolean {
  return reading.status === 'ok' && state.unreadable.length === 0 && !(state.state === 'changed' && state.replacing);
}
