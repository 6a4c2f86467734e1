import { restartResult } from '../../action/plan/restartResult.ts';
import { versionsText } from '../display/instanceText.ts';
import type { WindowRestart } from './windowServers.ts';

/** "everything restarted: runs 1.1.0 (PID 4711 → 4805)". */
export function outcomeText(outcome: WindowRestart): string {
  switch (outcome.kind) {
    case 'restarted': {
      const left = outcome.leftBehind ? '. The old process did not end and is still running' : '';
      const { package: own } = outcome.after;
      // The running version is recorded some seconds after the start; until then only the version on disk is known.
      const version = own?.running ? `: ${versionsText(outcome.after)}` : own?.installed ? `; ${own.installed} is installed` : '';
      const warning = stillOld(outcome);
      return `${outcome.after.name} restarted${version} (PID ${outcome.before.pid} → ${outcome.after.pid})${left}${warning ? `. ${warning}` : ''}`;
    }
    case 'stopped':
      return outcome.leftBehind
        ? `VS Code stopped ${outcome.before.name}, but its process (PID ${outcome.before.pid}) is still running`
        : `${outcome.before.name} stopped (PID ${outcome.before.pid})`;
    case 'already':
      return outcome.message;
    case 'failed':
      return outcome.reason;
  }
}

/** A warning sentence when the restarted server does not run the installed version. */
export function stillOld(outcome: WindowRestart): string | undefined {
  return outcome.kind === 'restarted' ? restartResult(outcome.before.package?.running ?? null, outcome.after).warning : undefined;
}

/** The message after "Restart All Stale". */
export function summaryText(outcomes: readonly WindowRestart[]): string {
  const failed = outcomes.filter((outcome) => outcome.kind === 'failed');
  const done = outcomes.length - failed.length;
  const servers = (count: number): string => `${count} ${count === 1 ? 'server' : 'servers'}`;
  const old = outcomes.flatMap((outcome) => {
    const warning = stillOld(outcome);
    return warning && outcome.kind === 'restarted' ? [`${outcome.after.name}: ${warning}`] : [];
  });
  const count = failed.length === 0 ? `Restarted ${servers(done)}.` : `Restarted ${done} of ${servers(outcomes.length)}.`;
  return [count, ...failed.map((outcome) => outcome.reason), ...old].join(' ');
}
