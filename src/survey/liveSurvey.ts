import { type Disposable, DisposableStore } from '../base/disposable.ts';
import { reasonOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { ClientId, RawDefinition } from '../model/definition.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { Surveyor } from './surveyor.ts';
import { watchFiles } from './watch/fileWatch.ts';

/** The PIDs are listed this often; a scan follows when they changed. */
const tickMs = 1_000;
/** Changes of files come in bursts; one scan follows a burst. */
const burstMs = 50;
/** A full scan at least this often, because watches may miss changes. */
const fullMs = 60_000;

/** A snapshot that is kept current: configuration files, package directories and PIDs are watched, and a change starts a scan. */
export interface LiveSurvey extends Disposable {
  readonly snapshot: Snapshot | undefined;
  /** Calls the listener with each new snapshot, even if nothing visible changed. */
  onSnapshot(listener: (snapshot: Snapshot) => void): Disposable;
  /** Scans now and reads everything again. @throws what `Surveyor.survey` throws */
  refresh(): Promise<Snapshot>;
  /** An entry as its file has it, secrets included, and the running clients; undefined when the entry is gone. */
  entry(id: string): Promise<SurveyedEntry | undefined>;
}

/** An entry for changing it. It holds secrets: never show, log or store it. */
export interface SurveyedEntry {
  readonly definition: RawDefinition;
  readonly running: ReadonlyMap<ClientId, readonly number[]>;
}

/** Starts watching and scans once. A failed scan is logged, and the next one follows a minute later. */
export function startLiveSurvey(surveyor: Surveyor, log: Log): LiveSurvey {
  const store = new DisposableStore();
  const listeners = new Set<(snapshot: Snapshot) => void>();
  let latest: Snapshot | undefined;
  let running: Promise<Snapshot> | undefined;
  let again = false;
  let timer: NodeJS.Timeout | undefined;
  let timerAt = Number.POSITIVE_INFINITY;

  const files = store.add(
    watchFiles(
      [],
      (path) => {
        surveyor.changed(path);
        schedule(burstMs);
      },
      (problem) => log.warn(problem.message),
    ),
  );

  function schedule(delay: number): void {
    const at = Date.now() + delay;
    if (store.disposed || at >= timerAt) {
      return;
    }
    clearTimeout(timer);
    timerAt = at;
    timer = setTimeout(() => {
      timerAt = Number.POSITIVE_INFINITY;
      run().catch((error: unknown) => {
        log.error(`The scan failed; the next one follows in a minute: ${reasonOf(error)}`);
        schedule(fullMs);
      });
    }, delay);
  }

  async function run(): Promise<Snapshot> {
    if (running) {
      again = true;
      return running;
    }
    running = surveyor.survey();
    try {
      const snapshot = await running;
      if (!store.disposed) {
        latest = snapshot;
        files.update(surveyor.watched());
        for (const listener of listeners) {
          listener(snapshot);
        }
        schedule(Math.max(burstMs, Math.min(surveyor.askAgainIn() ?? fullMs, fullMs)));
      }
      return snapshot;
    } finally {
      running = undefined;
      if (again) {
        again = false;
        schedule(burstMs);
      }
    }
  }

  // No scan waits for a registry; what it answered is in the next one.
  store.add(surveyor.onAnswer(() => schedule(burstMs)));
  const tick = setInterval(() => {
    surveyor.processesChanged().then(
      (changed) => changed && schedule(0),
      (error: unknown) => log.warn(`The process list could not be read: ${reasonOf(error)}`),
    );
  }, tickMs);
  store.add({ dispose: () => clearInterval(tick) });
  const tidying = setInterval(() => {
    surveyor.tidy().catch((error: unknown) => log.debug(`Dead records could not be deleted: ${reasonOf(error)}`));
  }, fullMs).unref();
  store.add({ dispose: () => clearInterval(tidying) });
  store.add({ dispose: () => clearTimeout(timer) });
  schedule(0);

  return {
    get snapshot() {
      return latest;
    },
    onSnapshot(listener) {
      listeners.add(listener);
      return { dispose: () => listeners.delete(listener) };
    },
    async refresh() {
      surveyor.allChanged();
      // A scan in flight may have read before the caller's change, so its result is not returned.
      await running?.catch(() => undefined);
      return run();
    },
    async entry(id) {
      const definition = surveyor.definition(id);
      return definition && { definition, running: surveyor.running() };
    },
    dispose: () => {
      listeners.clear();
      store.dispose();
    },
  };
}
