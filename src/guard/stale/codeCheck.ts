import type { ClosureReading } from '../../model/package.ts';
import { statPath } from '../../storage/boundedFile.ts';
import { type CodeState, compareCode } from './codeDrift.ts';
import type { LoadedCode, ServerCode } from './serverCode.ts';

/** Compares what a child loaded with what is on disk, as often as it is asked. */
export class CodeCheck {
  readonly child: ServerCode;
  /** What the state was concluded from. */
  #loaded: LoadedCode | undefined;
  #seen: ClosureReading | undefined;
  #state: CodeState | undefined;

  constructor(child: ServerCode) {
    this.child = child;
  }

  /** Compares now. What could not be read is read again each time. */
  check(): CodeState {
    const { ref, loaded, unknown = '' } = this.child;
    const seen = this.child.readInstalled();
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

/** A failed reading may have failed for another reason than the files (no descriptors left), and an installer that is at work is not so for long. */
function isLasting(reading: ClosureReading, state: CodeState): boolean {
  return reading.status === 'ok' && state.unreadable.length === 0 && !(state.state === 'changed' && state.replacing);
}
