import { t } from '../../base/language/translate.ts';
import { singleLine } from '../../base/singleLine.ts';
import { askInstance, type ControlAnswer } from '../../lock/control/controlClient.ts';
import { type InstanceRecord, readInstanceRecord } from '../../lock/instanceRecord.ts';
import { findLockDirectory, type LockDirectory, protocolBase } from '../../lock/lockDirectory.ts';
import type { ProcessTable } from '../../model/process.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import type { ActionTarget } from '../plan/plan.ts';
import { isVersionSettled, restartResult } from '../plan/restartResult.ts';
import { type ActionResult, actionResult, type Requester } from './exclusiveAction.ts';
import { stillRuns, waitFor } from './processWait.ts';

/** The input of a request to an instance over its control endpoint. */
interface ControlContext {
  readonly requester: Requester;
  readonly table: ProcessTable;
  scan(): Promise<Snapshot>;
}

/** The guard waits 30 s for calls in flight, and the new server may have to be downloaded first. */
const restartMs = 120_000;
/** A guard gives its server 10 s to exit, then ends it. */
const stopMs = 30_000;
/** From the guard's answer until a scan shows the change. */
const visibleMs = 15_000;

/**
 * Asks the guard of a server (or a server that offers it) to restart or stop it, and checks the result by scans. Call it under the server's intent.
 * The request goes to the record of the plan, and only while that record still names the target.
 */
export async function askControl(
  verb: 'restart' | 'stop',
  target: ActionTarget,
  record: string,
  context: ControlContext,
): Promise<ActionResult> {
  const { requester } = context;
  const name = t('{0} (PID {1})', target.name, target.pid);
  const opened = findLockDirectory(protocolBase(requester.runDir, requester.explicitRunDir));
  const reading = opened && 'directory' in opened ? readInstanceRecord(opened.directory, record) : undefined;
  if (!opened || !('directory' in opened) || reading?.status !== 'ok') {
    return actionResult('failed', t('{0} could not be asked: its record is gone or cannot be read.', name));
  }
  if (!namesTarget(reading.record, target)) {
    return actionResult('refused', t('{0} is no longer the server that its record names; nothing was done.', name));
  }
  const limitMs = verb === 'restart' ? restartMs : stopMs;
  const answer = await askInstance({ directory: opened.directory, record: reading.record, verb, by: requester.by, limitMs });
  if (answer.status !== 'ok' || answer.result.status === 'failed') {
    return failure(name, verb, answer);
  }
  return verb === 'stop' ? stopped(name, target, context) : restarted(name, target, record, opened.directory, context);
}

function namesTarget(record: InstanceRecord, target: ActionTarget): boolean {
  const pid = record.server?.pid;
  return pid === undefined || pid === target.pid || target.tree.includes(pid) || target.launchers.includes(pid);
}

function failure(name: string, verb: 'restart' | 'stop', answer: ControlAnswer): ActionResult {
  const isRestart = verb === 'restart';
  switch (answer.status) {
    case 'ok': {
      const { reason, kept } = answer.result;
      const why = typeof reason === 'string' ? singleLine(reason, 600) : t('its guard gives no reason');
      return actionResult(
        'failed',
        [notDone(isRestart, name, why), kept === true ? t('The old server keeps running.') : t('Its guard tries again.')].join(' '),
      );
    }
    case 'refused':
      return answer.code === 'already' || answer.code === 'other-instance'
        ? actionResult('refused', t('{0} has been replaced by another process: {1}; nothing was done.', name, answer.message))
        : actionResult('failed', notDone(isRestart, name, answer.message));
    case 'silent':
      return actionResult(
        'failed',
        [
          t('{0}: {1}.', name, answer.reason),
          !answer.asked ? t('Nothing was done.') : isRestart ? t('It may still be restarted.') : t('It may still be stopped.'),
        ].join(' '),
      );
    default:
      return actionResult('failed', t('{0} could not be asked: {1}. Nothing was done.', name, answer.reason));
  }
}

function notDone(isRestart: boolean, name: string, why: string): string {
  return isRestart ? t('{0} was not restarted: {1}.', name, why) : t('{0} was not stopped: {1}.', name, why);
}

async function stopped(name: string, target: ActionTarget, context: ControlContext): Promise<ActionResult> {
  const gone = await waitFor(visibleMs, async () => !(await stillRuns(context.table, target.instance)));
  return gone
    ? actionResult('done', t('{0} was stopped by its guard.', name))
    : actionResult('failed', t('The guard accepted the stop request, but {0} is still running.', name));
}

async function restarted(
  name: string,
  target: ActionTarget,
  record: string,
  directory: LockDirectory,
  context: ControlContext,
): Promise<ActionResult> {
  let now: Instance | undefined;
  await waitFor(visibleMs, async () => {
    const { instances } = await context.scan();
    now = instances.find((one) => one.record?.id === record && one.id !== target.instance);
    return now !== undefined && isVersionSettled(target.runs, now);
  });
  if (!now) {
    const reading = readInstanceRecord(directory, record);
    const pid = reading.status === 'ok' ? reading.record.server?.pid : undefined;
    const problem =
      pid === undefined || pid === target.pid ? t('no new server was found') : t('PID {0} is not recognised as a server yet', pid);
    return actionResult('failed', t('The guard of {0} reports a restart, but {1}.', name, problem));
  }
  const { version, warning } = restartResult(target.runs, now);
  return {
    ...actionResult(
      'done',
      [
        t('{0} was restarted by its guard: PID {1} now{2}. Its client keeps the session.', name, now.pid, version),
        ...(warning ? [warning] : []),
      ].join(' '),
    ),
    after: { pid: now.pid, runs: now.package?.running ?? null, ...(warning ? { stillOld: true } : {}) },
  };
}
