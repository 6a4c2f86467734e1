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
  const name = `${target.name} (PID ${target.pid})`;
  const opened = findLockDirectory(protocolBase(requester.runDir, requester.explicitRunDir));
  const reading = opened && 'directory' in opened ? readInstanceRecord(opened.directory, record) : undefined;
  if (!opened || !('directory' in opened) || reading?.status !== 'ok') {
    return actionResult('failed', `${name} could not be asked: its record is gone or cannot be read.`);
  }
  if (!namesTarget(reading.record, target)) {
    return actionResult('refused', `${name} is no longer the server that its record names; nothing was done.`);
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
  const done = verb === 'restart' ? 'restarted' : 'stopped';
  switch (answer.status) {
    case 'ok': {
      const { reason, kept } = answer.result;
      const why = typeof reason === 'string' ? singleLine(reason, 600) : 'its guard gives no reason';
      return actionResult(
        'failed',
        `${name} was not ${done}: ${why}. ${kept === true ? 'The old server keeps running.' : 'Its guard tries again.'}`,
      );
    }
    case 'refused':
      return answer.code === 'already' || answer.code === 'other-instance'
        ? actionResult('refused', `${name} has been replaced by another process: ${answer.message}; nothing was done.`)
        : actionResult('failed', `${name} was not ${done}: ${answer.message}.`);
    case 'silent':
      return actionResult('failed', `${name}: ${answer.reason}. ${answer.asked ? `It may still be ${done}.` : 'Nothing was done.'}`);
    default:
      return actionResult('failed', `${name} could not be asked: ${answer.reason}. Nothing was done.`);
  }
}

async function stopped(name: string, target: ActionTarget, context: ControlContext): Promise<ActionResult> {
  const gone = await waitFor(visibleMs, async () => !(await stillRuns(context.table, target.instance)));
  return gone
    ? actionResult('done', `${name} was stopped by its guard.`)
    : actionResult('failed', `The guard accepted the stop request, but ${name} is still running.`);
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
    const problem = pid === undefined || pid === target.pid ? 'no new server was found' : `PID ${pid} is not recognised as a server yet`;
    return actionResult('failed', `The guard of ${name} reports a restart, but ${problem}.`);
  }
  const { version, warning } = restartResult(target.runs, now);
  return {
    ...actionResult(
      'done',
      `${name} was restarted by its guard: PID ${now.pid} now${version}. Its client keeps the session.${warning ? ` ${warning}` : ''}`,
    ),
    after: { pid: now.pid, runs: now.package?.running ?? null, ...(warning ? { stillOld: true } : {}) },
  };
}
