import type { Disposable } from '../../base/disposable.ts';
import { reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Instance } from '../../model/snapshot.ts';
import { restartableWhenIdle } from '../display/attention.ts';
import { oneLine } from '../display/plainText.ts';
import { restartsIdle } from '../settings.ts';
import type { WindowState } from '../window/windowState.ts';

/** Where the user has asked for it: restarts stale servers of this window while they do nothing, one after the other, each at most once. */
export function restartWhenIdle(state: WindowState, restart: (instance: Instance) => Promise<void>, log: Log): Disposable {
  const tried = new Set<string>();
  let working = false;
  const work = async (): Promise<void> => {
    if (working || !restartsIdle()) {
      return;
    }
    const { snapshot, facts } = state;
    const next = snapshot && restartableWhenIdle(snapshot, facts).find(({ id }) => !tried.has(id) && !facts.busy.has(id));
    if (!next) {
      return;
    }
    working = true;
    tried.add(next.id);
    log.info(`${oneLine(next.name, 60)} (PID ${next.pid}) is stale and idle since ${next.idleSince}: restarting it, as the settings ask.`);
    try {
      await restart(next);
    } catch (error) {
      log.warn(`${oneLine(next.name, 60)} was not restarted: ${reasonOf(error)}`);
    }
    working = false;
    await work();
  };
  return state.onChange(() => void work());
}
