import type { ActionContext } from '../../action/execute/executePlan.ts';
import { executePlan } from '../../action/execute/executePlan.ts';
import { makePlan } from '../../action/plan/makePlan.ts';
import type { Plan } from '../../action/plan/plan.ts';
import { reasonOf } from '../../base/errors.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { CommandContext } from '../command.ts';
import { troubledServers } from '../render/stateWords.ts';
import { renderStatus, type ViewOptions } from '../render/statusView.ts';
import { selectProblem, watchFooter, watchPage } from '../render/watchView.ts';
import { Screen, viewWidth } from '../terminal.ts';

/** What the screen of `watch` can do besides showing. */
export interface WatchActions {
  /** What a restart needs. @throws when the system has no process table */
  actions(snapshot: Snapshot): Promise<ActionContext>;
  quit(): void;
}

/** The table of `watch` on a terminal, redrawn for every snapshot and every second, because ages grow. With a keyboard it scrolls, and restarts the selected problem. */
export class WatchScreen {
  readonly #context: CommandContext;
  readonly #actions: WatchActions;
  readonly #remark: string | undefined;
  readonly #screen: Screen;
  readonly #ends: (() => void)[] = [];
  #latest: Snapshot | undefined;
  #warning = '';
  #offset = 0;
  #page = 1;
  #selected: string | undefined;
  #message = '';
  #asked: { readonly plan: Plan; readonly actions: ActionContext } | undefined;
  #acting: Promise<void> | undefined;

  constructor(context: CommandContext, remark: string | undefined, actions: WatchActions) {
    const { shell } = context;
    this.#context = context;
    this.#actions = actions;
    this.#remark = remark;
    this.#screen = new Screen(shell.stdout);
    const timer = setInterval(() => this.#draw(), 1000);
    this.#ends.push(
      () => clearInterval(timer),
      shell.onResize(() => {
        this.#screen.resized();
        this.#draw();
      }),
    );
    if (shell.onKey) {
      this.#ends.push(shell.onKey((key) => this.press(key)));
    }
  }

  show(snapshot: Snapshot): void {
    this.#latest = snapshot;
    this.#warning = '';
    this.#draw();
  }

  warn(message: string): void {
    this.#warning = message;
    this.#draw();
  }

  /** Ends the drawing. A restart that has begun is finished first. */
  async close(): Promise<void> {
    await this.#acting;
    for (const end of this.#ends) {
      end();
    }
    this.#screen.close();
  }

  press(key: string): void {
    const asked = this.#asked;
    this.#asked = undefined;
    if (key === 'q' || key === 'ctrl-c') {
      this.#actions.quit();
    } else if (asked) {
      this.#message = key === 'y' ? 'Restarting …' : 'Nothing was changed.';
      if (key === 'y') {
        this.#begin(() => this.#restart(asked.plan, asked.actions));
      }
    } else if (key === 'r') {
      this.#begin(() => this.#ask());
    } else {
      this.#move(key);
    }
    this.#draw();
  }

  #move(key: string): void {
    const steps: Readonly<Record<string, number>> = {
      up: -1,
      down: 1,
      pageup: -this.#page,
      pagedown: this.#page,
      home: Number.NEGATIVE_INFINITY,
      end: Number.POSITIVE_INFINITY,
    };
    this.#offset = Math.max(0, this.#offset + (steps[key] ?? 0));
    const step = key === 'tab' ? 1 : key === 'shift-tab' ? -1 : undefined;
    if (step !== undefined && this.#latest) {
      this.#selected = selectProblem(troubledServers(this.#latest), this.#selected, step)?.id;
      this.#message = '';
    }
  }

  /** One action at a time. */
  #begin(work: () => Promise<string>): void {
    this.#acting ??= work()
      .catch((error: unknown) => reasonOf(error))
      .then((message) => {
        this.#message = message;
        this.#acting = undefined;
        this.#draw();
      });
  }

  /** Shows what a restart of the selected problem does, and asks; shows the step where only the user can take it. */
  async #ask(): Promise<string> {
    const snapshot = this.#latest;
    const problem = snapshot && selectProblem(troubledServers(snapshot), this.#selected, 0);
    if (!problem) {
      return 'No server needs attention.';
    }
    const actions = await this.#actions.actions(snapshot);
    const plan = makePlan('restart', problem, snapshot, actions.planContext);
    const manual = plan.refused ?? plan.steps.find(({ kind }) => kind === 'manual')?.text;
    if (manual !== undefined) {
      return manual;
    }
    this.#asked = { plan, actions };
    return [`Restart ${problem.name} (PID ${problem.pid})? y/n:`, ...plan.steps.map(({ text }) => text), ...plan.risks].join(' ');
  }

  async #restart(plan: Plan, actions: ActionContext): Promise<string> {
    const { message } = await executePlan(plan, actions);
    this.#latest = await actions.scan();
    return message;
  }

  #draw(): void {
    if (!this.#latest) {
      return;
    }
    const { shell, color } = this.#context;
    const notes = [this.#remark, this.#warning, ...(shell.onKey ? [] : ['Ctrl-C stops watching.'])].filter(Boolean).join(' · ');
    const options: ViewOptions = { width: viewWidth(shell), color, now: shell.now(), ...(notes === '' ? {} : { remark: notes }) };
    const view = renderStatus(this.#latest, options);
    if (!shell.onKey) {
      this.#screen.draw(view);
      return;
    }
    const problem = selectProblem(troubledServers(this.#latest), this.#selected, 0);
    const { lines, offset, page } = watchPage(
      view,
      watchFooter(problem, this.#message, options),
      shell.stdout.size()?.rows ?? 24,
      this.#offset,
    );
    this.#offset = offset;
    this.#page = page;
    this.#screen.draw(`${lines.join('\n')}\n`);
  }
}
