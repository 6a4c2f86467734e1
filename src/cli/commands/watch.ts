import type { Log } from '../../base/log.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { startLiveSurvey } from '../../survey/liveSurvey.ts';
import type { Command, CommandContext } from '../command.ts';
import { exitCodes } from '../exitCodes.ts';
import { changeLines, essence } from '../render/changes.ts';
import { capital, headline } from '../render/stateWords.ts';
import { terminalText } from '../render/text.ts';
import { actionContextOf } from '../session/actionSession.ts';
import { openSession, runFolderRemark, stderrLog } from '../session/openSession.ts';
import { type WatchActions, WatchScreen } from '../session/watchScreen.ts';
import { jsonText } from '../terminal.ts';

/** Shows each new snapshot until it is closed. */
interface Display {
  show(snapshot: Snapshot): void;
  warn(message: string): void;
  close(): Promise<void> | void;
}

export const watchCommand: Command = {
  name: 'watch',
  summary: 'live status, until Ctrl-C',
  arguments: '',
  positionals: { min: 0, max: 0 },
  options: {},
  details: [
    'On a terminal the table of "status" is redrawn in place. Arrow and page keys scroll, Tab selects the next server that needs attention, r restarts it after a yes, q ends. Elsewhere the headline is printed once and then one line per change: "+" started, "-" ended, "!" needs attention, "=" another state, "?" could not be read.',
    '--json prints one snapshot per line: the first at once, then one whenever something other than time and memory has changed.',
  ],
  exits: [
    [exitCodes.ok, 'ended by q, by Ctrl-C, by a signal, or because the reader of its output is gone'],
    [exitCodes.error, 'usage error, or the machine could not be scanned'],
  ],
  async run(context) {
    context.shell.endOnSignals();
    let display: Display | undefined;
    const fallback = stderrLog(context.shell.stderr);
    const tell = (message: string): void => (display ? display.warn(message) : fallback.warn(message));
    const log: Log = { debug() {}, info() {}, warn: tell, error: tell };
    const session = await openSession(context, { log, asks: true });
    const live = startLiveSurvey(session.surveyor, log);
    const quit = new AbortController();
    try {
      display = createDisplay(context, runFolderRemark(session.runFolder), {
        actions: async (snapshot) => ({
          ...(await actionContextOf(context, session, snapshot, `terminal (PID ${process.pid})`)),
          scan: () => live.refresh(),
        }),
        quit: () => quit.abort(),
      });
      const shown = display;
      live.onSnapshot((snapshot) => shown.show(snapshot));
      await live.refresh();
      await aborted(AbortSignal.any([context.shell.ended, quit.signal]));
      return exitCodes.ok;
    } finally {
      await display?.close();
      live.dispose();
      session.surveyor.dispose();
    }
  },
};

function createDisplay(context: CommandContext, remark: string | undefined, actions: WatchActions): Display {
  const { shell, values } = context;
  if (values.json) {
    return lineDisplay(context, (_before, after) => jsonText(after));
  }
  return shell.stdout.isTty && shell.env.TERM !== 'dumb'
    ? new WatchScreen(context, remark, actions)
    : lineDisplay(context, changeText(remark));
}

/** Appends lines; none for a snapshot that differs only in time and memory. */
function lineDisplay({ shell }: CommandContext, text: (before: Snapshot | undefined, after: Snapshot) => string): Display {
  let before: Snapshot | undefined;
  return {
    show(snapshot) {
      if (before === undefined || essence(before) !== essence(snapshot)) {
        shell.stdout.write(text(before, snapshot));
        before = snapshot;
      }
    },
    warn: (message) => stderrLog(shell.stderr).warn(message),
    close() {},
  };
}

function changeText(remark: string | undefined): (before: Snapshot | undefined, after: Snapshot) => string {
  return (before, after) => {
    const first = before === undefined ? [capital(headline(after).text), ...(remark ? [terminalText(remark)] : [])] : [];
    return [...first, ...changeLines(before, after)].map((line) => `${line}\n`).join('');
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) {
      done();
    } else {
      signal.addEventListener('abort', () => done(), { once: true });
    }
  });
}
