import { readHistory, stopsUnder } from '../../action/execute/actionHistory.ts';
import { restartRoute, routeText } from '../../action/plan/restartRoute.ts';
import { flag, type OptionTable } from '../../base/optionTable.ts';
import { explanationOf, problemsAbout, summaryOf } from '../../presentation/explanation.ts';
import { findInstance } from '../../presentation/findInstance.ts';
import type { Command } from '../command.ts';
import { exitCodes, UsageError } from '../exitCodes.ts';
import { renderExplanation, renderSummary } from '../render/explainView.ts';
import { searchFailure } from '../render/searchView.ts';
import { openSession, settledSurvey, withRegistries } from '../session/openSession.ts';
import { jsonText, viewWidth } from '../terminal.ts';

const options = { verbose: flag('everything known, with the evidence', 'v') } as const satisfies OptionTable;

export const explainCommand: Command<typeof options> = {
  name: 'explain',
  summary: 'what is wrong with one server, how to fix it, and how we know',
  arguments: 'NAME|PID',
  positionals: { min: 1, max: 1 },
  options,
  details: [
    'Shows the verdict on one running server: what is wrong, how to fix it, since when, and whose it is, in 12 lines at most. -v shows everything known, and how we know.',
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
      const stops = stopsUnder(readHistory(session.runFolder.path), instance);
      const about = { restart: restartHint, home: shell.home, stops };
      const sections = explanationOf(instance, snapshot, about);
      const view = { width: viewWidth(shell), color, now: shell.now() };
      if (values.json) {
        const definitions = snapshot.definitions.filter(({ id }) => instance.definitions.includes(id));
        const problems = problemsAbout(instance, definitions, snapshot.problems);
        shell.stdout.write(
          jsonText({ schema: 1, at: snapshot.at, instance, definitions, problems, route, cure: restartHint, sections }, 2),
        );
      } else if (values.verbose) {
        shell.stdout.write(renderExplanation(instance, snapshot, sections, view));
      } else {
        shell.stdout.write(renderSummary(instance, snapshot, summaryOf(instance, snapshot, { ...about, now: view.now }), view));
      }
      return exitCodes.ok;
    } finally {
      session.surveyor.dispose();
    }
  },
};
