import { restartRoute, routeText } from '../../action/plan/restartRoute.ts';
import { explanationOf, problemsAbout } from '../../presentation/explanation.ts';
import type { Command } from '../command.ts';
import { exitCodes, UsageError } from '../exitCodes.ts';
import { renderExplanation } from '../render/explainView.ts';
import { searchFailure } from '../render/searchView.ts';
import { findInstance } from '../session/findInstance.ts';
import { openSession, settledSurvey, withRegistries } from '../session/openSession.ts';
import { jsonText, viewWidth } from '../terminal.ts';

export const explainCommand: Command = {
  name: 'explain',
  summary: 'everything known about one server, and how we know',
  arguments: 'NAME|PID',
  positionals: { min: 1, max: 1 },
  options: {},
  details: [
    'Shows everything known about one running server: what is wrong, since when, how to fix it, and how we know.',
    'NAME can be a PID, a name, a package, or a unique prefix of a name.',
  ],
  exits: [
    [exitCodes.ok, 'success, whatever the state of the server'],
    [exitCodes.error, 'usage error; no such server, several, or it is not running'],
  ],
  async run(context) {
    const { shell, values, color, positionals } = context;
    const asked = positionals[0] ?? '';
    const session = await openSession(context, { asks: true });
    try {
      const scanned = await settledSurvey(session.surveyor, shell.ended);
      const snapshot = await withRegistries(session.surveyor, scanned, shell.ended);
      const result = findInstance(snapshot, asked);
      if (result.kind !== 'found') {
        const { message, hint } = searchFailure(asked, result, shell.now());
        throw new UsageError(message, hint);
      }
      const { instance } = result;
      const route = restartRoute(instance, snapshot);
      const restartHint = routeText(route, instance);
      const sections = explanationOf(instance, snapshot, { restart: restartHint, home: shell.home });
      if (values.json) {
        const definitions = snapshot.definitions.filter(({ id }) => instance.definitions.includes(id));
        const problems = problemsAbout(instance, definitions, snapshot.problems);
        shell.stdout.write(
          jsonText({ schema: 1, at: snapshot.at, instance, definitions, problems, route, cure: restartHint, sections }, 2),
        );
      } else {
        shell.stdout.write(renderExplanation(instance, snapshot, sections, { width: viewWidth(shell), color, now: shell.now() }));
      }
      return exitCodes.ok;
    } finally {
      session.surveyor.dispose();
    }
  },
};
