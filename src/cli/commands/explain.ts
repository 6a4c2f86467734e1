import { restartRoute, routeText } from '../../action/plan/restartRoute.ts';
import { explanationOf, problemsAbout } from '../../presentation/explanation.ts';
import type { Command } from '../command.ts';
import { exitCodes, UsageError } from '../exitCodes.ts';
import { jsonText } from '../jsonOutput.ts';
import { renderExplanation } from '../render/explainView.ts';
import { searchFailure } from '../render/searchView.ts';
import { findInstance } from '../session/findInstance.ts';
import { openSession, settledSurvey, withRegistries } from '../session/openSession.ts';
import { viewWidth } from '../terminal.ts';

export const explainCommand: Command = {
  name: 'explain',
  summary: 'everything known of one server, and how it is known',
  arguments: 'NAME|PID',
  positionals: { min: 1, max: 1 },
  options: {},
  details: [
    'Finds one running server by its PID, its name, its package or an unambiguous beginning of its name, and prints the whole chain of evidence: what is wrong, since when and what cures it; the process, its launchers and its client; the entry it was started from and why; the package, how it was found, what was recorded of it and how far that is trusted; every package of its closure that changed; what could not be read.',
  ],
  exits: [
    [exitCodes.ok, 'it was explained, whatever its state'],
    [exitCodes.error, 'wrong usage; no such server, more than one, or it does not run'],
  ],
  async run(context) {
    const { shell, values, color, positionals } = context;
    const asked = positionals[0] ?? '';
    const session = await openSession(context, { asks: true });
    try {
      const looked = await settledSurvey(session.surveyor, shell.ended);
      const snapshot = await withRegistries(session.surveyor, looked, shell.ended);
      const result = findInstance(snapshot, asked);
      if (result.kind !== 'found') {
        const { message, hint } = searchFailure(asked, result, shell.now());
        throw new UsageError(message, hint);
      }
      const { instance } = result;
      const route = restartRoute(instance, snapshot);
      const cure = routeText(route, instance);
      const sections = explanationOf(instance, snapshot, { cure, home: shell.home });
      if (values.flag('json')) {
        const definitions = snapshot.definitions.filter(({ id }) => instance.definitions.includes(id));
        const problems = problemsAbout(instance, definitions, snapshot.problems);
        shell.stdout.write(jsonText({ schema: 1, at: snapshot.at, instance, definitions, problems, route, cure, sections }, 2));
      } else {
        shell.stdout.write(renderExplanation(instance, snapshot, sections, { width: viewWidth(shell), color, now: shell.now() }));
      }
      return exitCodes.ok;
    } finally {
      session.surveyor.dispose();
    }
  },
};
