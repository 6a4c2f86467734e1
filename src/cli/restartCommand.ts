import { restartRoute } from '../action/restart.ts';
import type { Command } from './command.ts';
import { exitCodes, UsageError } from './exitCodes.ts';
import { findInstance } from './instanceSearch.ts';
import { jsonText } from './json.ts';
import { renderRoute, routeText, searchFailure, searchFailureJson } from './render/restartView.ts';
import { openSession, settledSurvey } from './session.ts';
import { viewWidth } from './terminal.ts';

export const restartCommand: Command = {
  name: 'restart',
  summary: 'how one server is restarted, by whom',
  arguments: 'NAME|PID',
  positionals: { min: 1, max: 1 },
  options: {},
  details: [
    'Finds one running server by its PID, its name, its package or an unambiguous beginning of its name, and says who can restart it and with which step. It signals no process and starts none.',
  ],
  exits: [
    [exitCodes.error, 'wrong usage; no such server, more than one, or it does not run; nobody can restart it'],
    [exitCodes.youMustAct, 'nothing was done: the printed step is yours to take'],
  ],
  async run(context) {
    const { shell, values, color, positionals } = context;
    const asked = positionals[0] ?? '';
    const session = await openSession(context);
    try {
      const snapshot = await settledSurvey(session.surveyor, shell.ended);
      const result = findInstance(snapshot, asked);
      if (result.kind !== 'found') {
        const { message, hint } = searchFailure(asked, result, shell.now());
        if (values.flag('json')) {
          shell.stdout.write(jsonText({ schema: 1, ...searchFailureJson(asked, result), done: false, step: message }, 2));
          return exitCodes.error;
        }
        throw new UsageError(message, hint);
      }
      const { instance } = result;
      const route = restartRoute(instance, snapshot);
      if (values.flag('json')) {
        const { id, pid, name, client } = instance;
        shell.stdout.write(
          jsonText({ schema: 1, instance: { id, pid, name, client }, route, done: false, step: routeText(route, instance) }, 2),
        );
      } else {
        shell.stdout.write(renderRoute(instance, snapshot, route, { width: viewWidth(shell), color, now: shell.now() }));
      }
      return route.kind === 'none' ? exitCodes.error : exitCodes.youMustAct;
    } finally {
      session.surveyor.dispose();
    }
  },
};
