import { type Disposable, DisposableStore } from '../base/disposable.ts';
import { reasonOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { ClientId, RawDefinition } from '../model/definition.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { Surveyor } from './surveyor.ts';
import { watchFiles } from './watch/fileWatch.ts';

/** Only PIDs are listed this often; a survey follows when they changed. */
const tickMs = 1_000;
/** Changes of files come in bursts; one survey answers a burst. */
const burstMs = 50;
/** A whole survey at least this often, whatever the watches say. */
const fullMs = 60_000;

/** A survey that is kept true: it watches configuration files, package directories and PIDs, and says when something changed. */
export interface LiveSurvey extends Disposable {
  readonly snapshot: Snapshot | undefined;
  /** Called with each new snapshot, also when nothing that a person sees has changed. */
  onSnapshot(listener: (snapshot: Snapshot) => void): Disposable;
  /** Looks at everything afresh, now. @throws what the survey throws (no process list at all) */
  refresh(): Promise<Snapshot>;
  /** An entry as its file has it, secrets included, and the clients that run with their PIDs; undefined when the entry is gone. */
  entry(id: string): Promise<SurveyedEntry | undefined>;
}

/** What changing an entry needs to know. It holds secrets: never to be shown, logged or stored. */
export interface SurveyedEntry {
  readonly definition: RawDefinition;
  readonly running: ReadonlyMap<ClientId, readonly number[]>;
}

/** Starts watching. The first snapshot comes by itself. Failures of a survey are logged and the next one is tried. */
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
        log.error(`The survey failed, the next one follows in a minute: ${reasonOf(error)}`);
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
      (error: unknown) => log.warn(`The process list could not be read: ${String(error)}`),
    );
  }, tickMs);
  store.add({ dispose: () => clearInterval(tick) });
  const broom = setInterval(() => {
    surveyor.tidy().catch((error: unknown) => log.debug(`Nothing was cleared away: ${String(error)}`));
  }, fullMs).unref();
  store.add({ dispose: () => clearInterval(broom) });
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
      // A survey under way may have looked before the caller's change: its result is not the answer.
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
