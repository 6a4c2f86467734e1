import { errorName } from '../../base/errors.ts';
import { ClosureReader } from '../../package/closureReader.ts';
import type { Identified } from '../../package/identifyPackage.ts';
import { type ConfiguredCommand, configuredPackage } from './configuredPackage.ts';
import { ServerCode } from './serverCode.ts';

/**
 * Records what each child of one guard is about to load. It stands apart from what judges it: the record is made before the server is started, and whatever has
 * to be loaded for it is time that the client waits.
 */
export class CodeRecorder {
  readonly #configured: ConfiguredCommand | undefined;
  readonly #now: (() => number) | undefined;
  /** One for all children, whose files are mostly the same. */
  readonly #reader = new ClosureReader();

  /** @param configured undefined where somebody else starts the server @param now epoch ms; replaced in tests only */
  constructor(configured: ConfiguredCommand | undefined, now?: () => number) {
    this.#configured = configured;
    this.#now = now;
  }

  /** Right before a child is started. Never throws: what cannot be found out is said by `ChildCode.unknown`. */
  beforeStart(): ServerCode {
    const child = this.unrecorded();
    if (this.#configured) {
      record(child, configuredPackage(this.#configured));
    }
    return child;
  }

  /** For a child that runs already. */
  unrecorded(): ServerCode {
    return new ServerCode(this.#now, this.#reader);
  }
}

function record(child: ServerCode, found: Identified): void {
  try {
    child.record(found);
  } catch (error) {
    // A fault of ours must not keep a server from being started.
    child.record({ unknown: `its packages could not be recorded (${errorName(error)})` });
  }
}
