import { dirname } from 'node:path';
import { shownCommandLine, type Upgrade } from '../../diagnosis/upgradeCommand.ts';
import type { PackageRef } from '../../model/package.ts';
import { type KnownUpdate, knownUpdateFile, parseKnownUpdate } from '../../package/knownUpdate.ts';
import { readWhole } from '../../storage/atomicFile.ts';
import { writeRecord } from '../../storage/jsonRecord.ts';
import { stateFolder } from '../../storage/stateFolder.ts';

/** Larger than any note. */
const maxBytes = 8_192;

/** Keeps what registries offer for each installation where the guard, which never goes on line, finds it. */
export class UpdateNotes {
  readonly #runDir: string;
  /** What stands in each file, as far as known. */
  readonly #kept = new Map<string, string>();
  #unusable = false;

  constructor(runDir: string) {
    this.#runDir = runDir;
  }

  /**
   * Writes what is not kept already. Never throws: the guard can do without.
   * @param at when the registry said so, epoch ms
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
      const file = knownUpdateFile(dirname(stateFolder(this.#runDir, 'updates')), ref);
      if (!this.#kept.has(file)) {
        const whole = readWhole(file, maxBytes);
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
