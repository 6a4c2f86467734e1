import { shownCommandLine, type Upgrade } from '../../diagnosis/upgradeCommand.ts';
import type { PackageRef } from '../../model/package.ts';
import { type KnownUpdate, knownUpdateFile, parseKnownUpdate } from '../../package/knownUpdate.ts';
import { readOwn } from '../../storage/atomicFile.ts';
import { writeRecord } from '../../storage/jsonRecord.ts';
import { stateFolder } from '../../storage/stateFolder.ts';

/** In bytes; notes are smaller. */
const maxBytes = 8_192;

/** Stores what registries offer for each installation, for the guard, which makes no network requests. */
export class UpdateNotes {
  readonly #runDir: string;
  /** The known content of each file. */
  readonly #kept = new Map<string, string>();
  #unusable = false;

  constructor(runDir: string) {
    this.#runDir = runDir;
  }

  /**
   * Writes a note that is not stored yet. Never throws: the guard works without it.
   * @param at when the registry answered, epoch ms
   */
  keep(ref: PackageRef, installed: string, newest: string, upgrade: Upgrade, at: number): void {
    const directory = 'argv' in upgrade && upgrade.cwd !== undefined ? ` (in ${upgrade.cwd})` : '';
    const how = 'argv' in upgrade ? `run: ${shownCommandLine(upgrade.argv)}${directory}` : upgrade.words;
    const { ecosystem, name, environment } = ref;
    const note: KnownUpdate = { schema: 1, ecosystem, name, environment, installed, newest, how, at };
    const text = JSON.stringify(note);
    if (this.#unusable || parseKnownUpdate(text) === undefined) {
      return;
    }
    try {
      stateFolder(this.#runDir, 'updates');
      const file = knownUpdateFile(this.#runDir, ref);
      if (!this.#kept.has(file)) {
        const whole = readOwn(file, maxBytes);
        this.#kept.set(file, 'text' in whole ? whole.text.trim() : '');
      }
      if (this.#kept.get(file) !== text) {
        writeRecord(file, note);
        this.#kept.set(file, text);
      }
    } catch {
      this.#unusable = true;
    }
  }
}
