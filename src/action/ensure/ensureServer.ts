import type { ActOnceResult } from '../../lock/actOnce.ts';
import type { Instance } from '../../model/snapshot.ts';
import {
  decideEnsure,
  type EnsureDecision,
  type EnsureResult,
  type EnsureWish,
  type Launch,
  type PortSight,
  runningVersion,
} from './ensureDecision.ts';

/** What became of a start. */
export type StartReport =
  | { readonly status: 'listening'; readonly pid: number; readonly log: string }
  | { readonly status: 'failed'; readonly reason: string; readonly log: string; readonly tail: readonly string[] };

/** What ensuring needs of the system. */
export interface EnsureSystem {
  /** Who holds the port, with a version where one can be known within a few seconds. */
  look(): Promise<PortSight>;
  /** A text for who holds the port now, cheaply; another holder, another text. */
  holder(): Promise<string>;
  /** Acts alone on this machine, if the holder is still this one. */
  once<T>(expect: string, act: () => Promise<T>): Promise<ActOnceResult<T>>;
  /** Ends the server and waits until the port is free. @returns why that did not work */
  stop(instance: Instance): Promise<string | undefined>;
  /** Starts the server and waits until it listens, no longer than a bound. */
  start(launch: Launch): Promise<StartReport>;
}

/** Each round ends because somebody else did something meanwhile. */
const maxRounds = 20;

/**
 * Makes it true that the wished server runs behind its port, at most once on this machine whoever asks at the same time: reuses what runs in the same
 * version, replaces what is known to be older, leaves everything else alone and says so.
 */
export async function ensureServer(wish: EnsureWish, hands: EnsureSystem): Promise<EnsureResult> {
  for (let round = 0; round < maxRounds; round++) {
    const holder = await hands.holder();
    const decision = decideEnsure(wish, await hands.look());
    if (decision.kind === 'done') {
      if (decision.result.server_status === 'reused' || (await hands.holder()) === holder) {
        return decision.result;
      }
      // Looked at in the middle of a change: what was seen is neither the old one nor the new one.
      continue;
    }
    if (!wish.launch) {
      return failure(
        wish,
        `${wish.name} ${decision.kind === 'start' ? 'does not run' : wish.replace === undefined ? 'runs in an older version' : 'runs'}, and how it is started is not known`,
      );
    }
    const { launch } = wish;
    const deed = await hands.once(holder, async () => {
      // Under the lock: what was decided before may have been done by somebody else.
      const again = decideEnsure(wish, await hands.look());
      return again.kind === 'done' ? again.result : act(wish, launch, again.kind === 'replace' ? again : undefined, hands);
    });
    switch (deed.status) {
      case 'acted':
        return deed.result;
      case 'busy':
        return failure(wish, `${deed.actor ? `${deed.actor.by} is` : 'somebody is'} at it and does not come to an end`);
      case 'refused':
      case 'unavailable':
        return failure(wish, `others could not be kept from doing the same at once: ${deed.reason}`);
    }
  }
  return failure(wish, 'the holder of the port changed again and again');
}

async function act(
  wish: EnsureWish,
  launch: Launch,
  replaced: Extract<EnsureDecision, { kind: 'replace' }> | undefined,
  hands: EnsureSystem,
): Promise<EnsureResult> {
  const old = replaced?.instance;
  const warnings = replaced?.warnings ?? [];
  const before = old && runningVersion(old).version;
  const previous = old && { previous: { pid: old.pid, version: before ?? null }, ...(warnings.length === 0 ? {} : { warnings }) };
  const wanted = wish.version ?? old?.package?.installed ?? undefined;
  if (old) {
    const trouble = await hands.stop(old);
    if (trouble !== undefined) {
      return { ...failure(wish, trouble), pid: old.pid, version: before ?? null };
    }
  }
  const started = await hands.start(launch);
  if (started.status === 'failed') {
    return { ...failure(wish, started.reason), ...previous, log: started.log, log_tail: started.tail };
  }
  const sight = await hands.look();
  const log = { log: started.log };
  if (sight.kind !== 'server') {
    const reason = sight.kind === 'free' ? 'it let go of its port at once' : sight.reason;
    return { ...failure(wish, `${wish.name} was started (PID ${started.pid}), and is not there: ${reason}`), ...previous, ...log };
  }
  const { instance } = sight;
  const running = runningVersion(instance);
  const result = { name: wish.name, port: wish.port, pid: instance.pid, version: running.version ?? null, wanted: wanted ?? null };
  const where = `PID ${instance.pid} on port ${wish.port}`;
  if (wanted !== undefined && running.version !== undefined) {
    const check = decideEnsure({ ...wish, version: wanted, passive: true }, sight);
    if (check.kind !== 'done' || check.result.server_status !== 'reused') {
      const message = `${wish.name} was started (${where}), and runs ${running.version} instead of ${wanted}: the command starts another version.`;
      return { server_status: 'failed', ...result, ...previous, ...log, message };
    }
  }
  const now = running.version === undefined ? 'in a version that is not known' : `version ${running.version}`;
  return old
    ? {
        server_status: 'replaced',
        ...result,
        ...previous,
        ...log,
        message: `${before === undefined ? `${wish.name} (PID ${old.pid})` : `${wish.name} ${before}`} was replaced by ${now}: ${where}`,
      }
    : { server_status: 'started', ...result, ...log, message: `${wish.name} was started, ${now}: ${where}` };
}

function failure(wish: EnsureWish, reason: string): EnsureResult {
  const { name, port, version } = wish;
  return { server_status: 'failed', name, port, pid: null, version: null, wanted: version ?? null, message: `${reason}.` };
}
