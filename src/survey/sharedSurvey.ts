import { type FSWatcher, watch } from 'node:fs';
import type { Disposable } from '../base/disposable.ts';
import type { Log } from '../base/log.ts';
import { lockFile } from '../lock/kernelLock.ts';
import type { ProcessIdentity, ProcessTable } from '../model/process.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { type LiveSurvey, type SurveyedEntry, startLiveSurvey } from './liveSurvey.ts';
import { faceOf, type Published, publishedReader, publishSnapshot, scannerLock, withdrawSnapshot } from './publishedSnapshot.ts';
import type { Surveyor } from './surveyor.ts';

interface SharedOptions {
  /** A folder of this user alone, the same for all windows. */
  readonly folder: string;
  readonly surveyor: Surveyor;
  /** This process. */
  readonly own: ProcessIdentity;
  readonly table: Pick<ProcessTable, 'isAlive' | 'source'>;
  /** Of the extension. */
  readonly version: string;
  readonly log: Log;
  /** How often a window that does not look makes sure that somebody does, ms. */
  readonly checkMs?: number;
}

/** Where asking for a process takes a program, it is done less often. */
const checkMs = { proc: 2_000, other: 15_000 };
/** The one who looks publishes at least each minute; after this long without he hangs, and this window looks for itself. */
const silentMs = 150_000;
/** The lock is held, and nothing comes that we understand. */
const strangerMs = 10_000;

/**
 * One look at the machine for all windows: the first takes a kernel lock, looks, and publishes what it sees; the others show that. When it ends, however that
 * happens, the kernel lets the next one have the lock. Asked to look afresh, each window looks for itself. Where the lock cannot be had at all, each looks.
 */
export async function startSharedSurvey(options: SharedOptions): Promise<LiveSurvey> {
  const shared = new SharedSurvey(options);
  await shared.begin();
  return shared;
}

class SharedSurvey implements LiveSurvey {
  readonly #options: SharedOptions;
  readonly #read: () => Published | undefined;
  readonly #listeners = new Set<(snapshot: Snapshot) => void>();
  #live: LiveSurvey | undefined;
  #lock: Disposable | undefined;
  #snapshot: Snapshot | undefined;
  #face = '';
  #publishedAt = Number.NEGATIVE_INFINITY;
  #heardAt = performance.now();
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #checking = false;
  #disposed = false;

  constructor(options: SharedOptions) {
    this.#options = options;
    this.#read = publishedReader(options.folder, options.version);
  }

  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  onSnapshot(listener: (snapshot: Snapshot) => void): Disposable {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  }

  async begin(): Promise<void> {
    await this.#tryToLead();
    if (this.#live || this.#disposed) {
      return;
    }
    const { folder, table, log } = this.#options;
    try {
      this.#watcher = watch(folder, { persistent: false }, () => this.#hear());
      this.#watcher.on('error', (error) => log.warn(`What the other window sees is looked for now and then only: ${String(error)}`));
    } catch (error) {
      log.warn(`What the other window sees is looked for now and then only: ${String(error)}`);
    }
    const every = this.#options.checkMs ?? (table.source === 'proc' ? checkMs.proc : checkMs.other);
    this.#timer = setInterval(() => void this.#check(), every);
    this.#hear();
  }

  async refresh(): Promise<Snapshot> {
    if (this.#live) {
      return this.#live.refresh();
    }
    const { surveyor } = this.#options;
    surveyor.allChanged();
    const snapshot = await surveyor.survey();
    this.#show(snapshot);
    return snapshot;
  }

  async entry(id: string): Promise<SurveyedEntry | undefined> {
    if (this.#live) {
      return this.#live.entry(id);
    }
    // What another window publishes is redacted: an entry is read here.
    await this.refresh();
    const { surveyor } = this.#options;
    const definition = surveyor.definition(id);
    return definition && { definition, running: surveyor.running() };
  }

  /** Takes what the one who looks has published, if it is newer than what is shown. @returns what is published */
  #hear(): Published | undefined {
    if (this.#live || this.#disposed) {
      return undefined;
    }
    const published = this.#read();
    if (published && (this.#snapshot === undefined || published.snapshot.at > this.#snapshot.at)) {
      this.#heardAt = performance.now();
      this.#show(published.snapshot);
    }
    return published;
  }

  async #check(): Promise<void> {
    if (this.#checking || this.#live || this.#disposed) {
      return;
    }
    this.#checking = true;
    try {
      const published = this.#hear();
      if (!published || !(await this.#options.table.isAlive(published.by))) {
        await this.#tryToLead();
        if (!this.#live && performance.now() - this.#heardAt > strangerMs) {
          this.#options.log.info('Another version of MCP Shepherd looks at the machine: this window looks for itself.');
          this.#look();
        }
      } else if (performance.now() - this.#heardAt > silentMs) {
        this.#options.log.warn(
          `The window that looks for all (PID ${published.by.pid}) has been silent for long: this one looks for itself.`,
        );
        this.#look();
      }
    } finally {
      this.#checking = false;
    }
  }

  async #tryToLead(): Promise<void> {
    const { folder, log } = this.#options;
    const attempt = await lockFile(scannerLock(folder));
    if (this.#disposed) {
      if (attempt.status === 'locked') {
        attempt.lock.release();
      }
      return;
    }
    if (attempt.status === 'locked') {
      this.#lock = { dispose: () => attempt.lock.release() };
      log.info('This window looks at the machine for all windows.');
      this.#look();
    } else if (attempt.status !== 'held') {
      log.info(`Each window looks for itself: ${attempt.reason}.`);
      this.#look();
    } else if (this.#snapshot === undefined && !this.#read()) {
      // Somebody leads who has not seen anything yet, or has another version: the first look must not wait for him.
      await this.refresh();
    }
  }

  #look(): void {
    clearInterval(this.#timer);
    this.#watcher?.close();
    this.#live = startLiveSurvey(this.#options.surveyor, this.#options.log);
    this.#live.onSnapshot((snapshot) => {
      this.#show(snapshot);
      this.#publish(snapshot);
    });
  }

  #publish(snapshot: Snapshot): void {
    if (!this.#lock) {
      return;
    }
    const face = faceOf(snapshot);
    if (face === this.#face && performance.now() - this.#publishedAt < 50_000) {
      return;
    }
    const { folder, own, version, log } = this.#options;
    try {
      publishSnapshot(folder, { by: own, version, snapshot });
      this.#face = face;
      this.#publishedAt = performance.now();
    } catch (error) {
      log.warn(`The other windows cannot be told what this one sees: ${String(error)}`);
    }
  }

  #show(snapshot: Snapshot): void {
    if (this.#disposed) {
      return;
    }
    this.#snapshot = snapshot;
    for (const listener of this.#listeners) {
      listener(snapshot);
    }
  }

  dispose(): void {
    this.#disposed = true;
    this.#listeners.clear();
    clearInterval(this.#timer);
    this.#watcher?.close();
    this.#live?.dispose();
    if (this.#lock) {
      withdrawSnapshot(this.#options.folder);
      this.#lock.dispose();
    }
  }
}
