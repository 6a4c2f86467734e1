import { type FSWatcher, watch } from 'node:fs';
import type { Disposable } from '../base/disposable.ts';
import { reasonOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { lockFile } from '../lock/kernelLock.ts';
import type { ProcessIdentity, ProcessTable } from '../model/process.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { stateRefusal } from '../storage/privateFolder.ts';
import { stateFolder } from '../storage/stateFolder.ts';
import type { ThisWindow } from './facts/thisWindow.ts';
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
  /** Version of the extension. */
  readonly version: string;
  readonly log: Log;
  /** How often a window that does not scan checks that another one does, ms. */
  readonly checkMs?: number;
}

/** How often that is by default, ms; less often where reading a process takes a program (`ps`, PowerShell). */
const checkMs = { proc: 2_000, other: 15_000 };
/** The scanning window publishes at least once a minute; after this long without a snapshot, this window scans for itself. */
const silentMs = 150_000;
/** After this long without a readable snapshot while the lock is held, this window scans for itself. */
const otherVersionMs = 10_000;

/**
 * One scanner for all windows: the first window takes a kernel lock, scans, and publishes the snapshots; the others show them. When that window ends, the kernel
 * releases the lock, and another window takes it. On refresh each window scans for itself. Where the lock cannot be used, each window scans.
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
      this.#watcher.on('error', (error) =>
        log.warn(`Snapshots of the scanning window are only read every few seconds: ${reasonOf(error)}`),
      );
    } catch (error) {
      log.warn(`Snapshots of the scanning window are only read every few seconds: ${reasonOf(error)}`);
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
    // Published snapshots are redacted, so the entry is read here.
    await this.refresh();
    const { surveyor } = this.#options;
    const definition = surveyor.definition(id);
    return definition && { definition, running: surveyor.running() };
  }

  /** Shows the published snapshot if it is newer. @returns what is published */
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
        if (!this.#live && performance.now() - this.#heardAt > otherVersionMs) {
          this.#options.log.info('Another version of MCP Shepherd scans in another window: this window scans for itself.');
          this.#scan();
        }
      } else if (performance.now() - this.#heardAt > silentMs) {
        this.#options.log.warn(
          `The scanning window (PID ${published.by.pid}) has not published for ${silentMs / 1_000} seconds: this window scans for itself.`,
        );
        this.#scan();
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
      log.info('This window scans for all windows.');
      this.#scan();
    } else if (attempt.status !== 'held') {
      log.info(`Each window scans for itself: ${attempt.reason}.`);
      this.#scan();
    } else if (this.#snapshot === undefined && !this.#read()) {
      // The scanning window has published nothing yet, or has another version: the first snapshot must not wait for it.
      await this.refresh();
    }
  }

  #scan(): void {
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
      log.warn(`The snapshot cannot be published for the other windows: ${reasonOf(error)}`);
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

/**
 * The survey of one editor window: shared with all windows of this user, unless another user could write to the state folder.
 * @param version of the extension @throws when the state folder cannot be made
 */
export async function startWindowSurvey(
  surveyor: Surveyor,
  { own, table }: ThisWindow,
  runDir: string,
  version: string,
  log: Log,
): Promise<LiveSurvey> {
  // Without an identity of its own, a window cannot publish.
  return own && stateRefusal(runDir, 'scanner') === undefined
    ? startSharedSurvey({ folder: stateFolder(runDir, 'scanner'), surveyor, own, table, version, log })
    : startLiveSurvey(surveyor, log);
}
