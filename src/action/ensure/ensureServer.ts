import { quotedText } from '../../base/singleLine.ts';
import type { ActOnceResult } from '../../lock/actOnce.ts';
import type { Instance } from '../../model/snapshot.ts';
import {
  decideEnsure,
  type EnsureDecision,
  type EnsureRequest,
  type EnsureResult,
  type Launch,
  type PortReading,
  runningVersion,
} from './ensureDecision.ts';

/** The result of a start. */
export type StartReport =
  | { readonly status: 'listening'; readonly pid: number; readonly log: string }
  | { readonly status: 'failed'; readonly reason: string; readonly log: string; readonly tail: readonly string[] };

/** The parts of the system that `ensureServer` needs. */
export interface EnsureSystem {
  /** Scans for the holder of the port. Waits a few seconds for the version of a server that has just started. */
  readPort(): Promise<PortReading>;
  /** A text that identifies the processes that hold the port now, without a scan. */
  holder(): Promise<string>;
  /** Acts under the intent on this port, if its holder is still the expected one. */
  once<T>(expect: string, act: () => Promise<T>): Promise<ActOnceResult<T>>;
  /** Stops the server and waits until the port is free. @returns why that failed */
  stop(instance: Instance): Promise<string | undefined>;
  /** Starts the server and waits, for a limited time, until it listens. */
  start(launch: Launch): Promise<StartReport>;
  /** Lets every scan show a server that no client's file names, while it runs. */
  note(instance: Instance): Promise<void>;
}

/** A round is repeated when another program has changed the holder of the port. */
const maxRounds = 20;

/**
 * Ensures that the requested server runs behind its port. Starts it at most once, however many programs request it at the same time: reuses a server of the
 * same version, replaces one that is known to be older, and leaves everything else alone with a message.
 * @param confirm called before anything is stopped or started; returns why the command must not be run
 */
export async function ensureServer(
  request: EnsureRequest,
  system: EnsureSystem,
  confirm: () => Promise<string | undefined> = async () => undefined,
): Promise<EnsureResult> {
  for (let round = 0; round < maxRounds; round++) {
    const holder = await system.holder();
    const reading = await system.readPort();
    const decision = decideEnsure(request, reading);
    if (decision.kind === 'done') {
      if (decision.result.server_status === 'reused' || (await system.holder()) === holder) {
        return noted(decision.result, reading, system);
      }
      // The holder changed during the scan, so the reading may be of neither server.
      continue;
    }
    if (!request.launch) {
      return failure(
        request,
        `${request.name} ${decision.kind === 'start' ? 'does not run' : request.replace === undefined ? 'runs in an older version' : 'runs'}, and it is not known how to start it`,
      );
    }
    const { launch } = request;
    const unconfirmed = await confirm();
    if (unconfirmed !== undefined) {
      return { ...failure(request, `${request.name} was not started: ${unconfirmed}`), server_status: 'unconfirmed' };
    }
    const once = await system.once(holder, async () => {
      // Under the intent: another program may have done what was decided before.
      const now = await system.readPort();
      const again = decideEnsure(request, now);
      return again.kind === 'done'
        ? noted(again.result, now, system)
        : act(request, launch, again.kind === 'replace' ? again : undefined, system);
    });
    switch (once.status) {
      case 'acted':
        return once.result;
      case 'busy':
        return failure(
          request,
          `${once.actor ? quotedText(once.actor.by) : 'another program'} is starting or stopping it and has not finished in time`,
        );
      case 'refused':
      case 'unavailable':
        return failure(request, `another program could not be kept from doing the same at the same time: ${once.reason}`);
    }
  }
  return failure(request, `the holder of the port changed ${maxRounds} times`);
}

/** Notes a server that is reused: the `ensure` that started it may have been killed before it noted it. */
async function noted(result: EnsureResult, reading: PortReading, system: EnsureSystem): Promise<EnsureResult> {
  if (result.server_status === 'reused' && reading.kind === 'server') {
    await system.note(reading.instance);
  }
  return result;
}

async function act(
  request: EnsureRequest,
  launch: Launch,
  replaced: Extract<EnsureDecision, { kind: 'replace' }> | undefined,
  system: EnsureSystem,
): Promise<EnsureResult> {
  const old = replaced?.instance;
  const warnings = replaced?.warnings ?? [];
  const before = old && runningVersion(old).version;
  const previous = old && { previous: { pid: old.pid, version: before ?? null }, ...(warnings.length === 0 ? {} : { warnings }) };
  const wanted = request.version ?? old?.package?.installed ?? undefined;
  if (old) {
    const trouble = await system.stop(old);
    if (trouble !== undefined) {
      return { ...failure(request, trouble), pid: old.pid, version: before ?? null };
    }
  }
  const started = await system.start(launch);
  const reading = await system.readPort();
  if (started.status === 'failed') {
    const other = decideEnsure(request, reading);
    if (other.kind === 'done' && other.result.server_status === 'reused') {
      // Another `ensure` was killed after it had started this server, which only now listens.
      return noted(other.result, reading, system);
    }
    return { ...failure(request, started.reason), ...previous, log: started.log, log_tail: started.tail };
  }
  const log = { log: started.log };
  if (reading.kind !== 'server') {
    const reason = reading.kind === 'free' ? 'it released its port at once' : reading.reason;
    return {
      ...failure(request, `${request.name} was started (PID ${started.pid}), but it does not hold the port: ${reason}`),
      ...previous,
      ...log,
    };
  }
  const { instance } = reading;
  await system.note(instance);
  const running = runningVersion(instance);
  const result = { name: request.name, port: request.port, pid: instance.pid, version: running.version ?? null, wanted: wanted ?? null };
  const where = `PID ${instance.pid} on port ${request.port}`;
  if (wanted !== undefined && running.version !== undefined) {
    const check = decideEnsure({ ...request, version: wanted, passive: true }, reading);
    if (check.kind !== 'done' || check.result.server_status !== 'reused') {
      const message = `${request.name} was started (${where}), but it runs ${running.version} instead of ${wanted}: the command starts another version.`;
      return { server_status: 'failed', ...result, ...previous, ...log, message };
    }
  }
  const now = running.version === undefined ? 'an unknown version' : `version ${running.version}`;
  return old
    ? {
        server_status: 'replaced',
        ...result,
        ...previous,
        ...log,
        message: `${before === undefined ? `${request.name} (PID ${old.pid})` : `${request.name} ${before}`} was replaced by ${now}: ${where}`,
      }
    : { server_status: 'started', ...result, ...log, message: `${request.name} was started, ${now}: ${where}` };
}

function failure(request: EnsureRequest, reason: string): EnsureResult {
  const { name, port, version } = request;
  return { server_status: 'failed', name, port, pid: null, version: null, wanted: version ?? null, message: `${reason}.` };
}
