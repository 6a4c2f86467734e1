import { errorName } from '../../base/errors.ts';
import type { PackageRef } from '../../model/package.ts';
import { ClosureReader } from '../../package/closureReader.ts';
import type { Identified } from '../../package/identifyPackage.ts';
import { type ConfiguredCommand, configuredPackage } from './configuredPackage.ts';
import { ServerCode } from './serverCode.ts';

/**
 * Records the code that each server of one guard is about to load. It is a module apart from the checks because it is loaded before the server is started,
 * while the client waits.
 */
export class CodeRecorder {
  readonly #configured: ConfiguredCommand | undefined;
  readonly #now: (() => number) | undefined;
  /** Shared by all servers, most of whose files are the same. */
  readonly #reader = new ClosureReader();

  /** @param configured undefined for a server that the guard does not start @param now epoch ms; replaced in tests only */
  constructor(configured: ConfiguredCommand | undefined, now?: () => number) {
    this.#configured = configured;
    this.#now = now;
  }

  /**
   * Call it right before a server is started. Never throws; `ServerCode.unknown` says why a record is missing.
   * @param command what a launcher starts in place of the configured command
   */
  beforeStart(command = this.#configured): ServerCode {
    const code = this.unrecorded();
    if (command) {
      record(code, configuredPackage(command));
    }
    return code;
  }

  /** The version of a package on disk now; undefined when it cannot be read. */
  installed(ref: PackageRef): string | undefined {
    const reading = this.#reader.read(ref, Date.now());
    return reading.status === 'ok' ? reading.packages[0]?.version : undefined;
  }

  /** For a server that runs already. */
  unrecorded(): ServerCode {
    return new ServerCode(this.#now, this.#reader);
  }
}

function record(code: ServerCode, found: Identified): void {
  try {
    code.record(found);
  } catch (error) {
    // A fault of the check must not prevent the start.
    code.record({ unknown: `its packages could not be recorded (${errorName(error)})` });
  }
}
