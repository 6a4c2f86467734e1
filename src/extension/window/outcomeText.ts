import { restartResult } from '../../action/plan/restartResult.ts';
import { t } from '../../base/language/translate.ts';
import { versionsText } from '../display/instanceText.ts';
import type { WindowRestart } from './windowServers.ts';

/** "everything restarted: runs 1.1.0 (PID 4711 → 4805)". */
export function outcomeText(outcome: WindowRestart): string {
  switch (outcome.kind) {
    case 'restarted': {
      const left = outcome.leftBehind ? [t('The old process did not end and is still running')] : [];
      const { package: own } = outcome.after;
      // The running version is recorded some seconds after the start; until then only the version on disk is known.
      const [name, before, after] = [outcome.after.name, outcome.before.pid, outcome.after.pid];
      const main = own?.running
        ? t('{0} restarted: {1} (PID {2} → {3})', name, versionsText(outcome.after), before, after)
        : own?.installed
          ? t('{0} restarted; {1} is installed (PID {2} → {3})', name, own.installed, before, after)
          : t('{0} restarted (PID {1} → {2})', name, before, after);
      const warning = stillOld(outcome);
      return [main, ...left, ...(warning ? [warning] : [])].join('. ');
    }
    case 'stopped':
      return outcome.leftBehind
        ? t('VS Code stopped {0}, but its process (PID {1}) is still running', outcome.before.name, outcome.before.pid)
        : t('{0} stopped (PID {1})', outcome.before.name, outcome.before.pid);
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
  const old = outcomes.flatMap((outcome) => {
    const warning = stillOld(outcome);
    return warning && outcome.kind === 'restarted' ? [`${outcome.after.name}: ${warning}`] : [];
  });
  const all = done === 1 ? t('Restarted 1 server.') : t('Restarted {0} servers.', done);
  const some = outcomes.length === 1 ? t('Restarted {0} of 1 server.', done) : t('Restarted {0} of {1} servers.', done, outcomes.length);
  const count = failed.length === 0 ? all : some;
  return [count, ...failed.map((outcome) => outcome.reason), ...old].join(' ');
}
