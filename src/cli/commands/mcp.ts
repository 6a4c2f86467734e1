import { executePlan } from '../../action/execute/executePlan.ts';
import { makePlan } from '../../action/plan/makePlan.ts';
import { type AgentMachine, serveMcp } from '../../mcp/serveMcp.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { productVersion } from '../../version/productVersion.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../exitCodes.ts';
import { actionContextOf } from '../session/actionSession.ts';
import { openSession, settledSurvey, stderrLog, withRegistries } from '../session/openSession.ts';
import { jsonText } from '../terminal.ts';

export const mcpCommand: Command = {
  name: 'mcp',
  summary: 'an MCP server for agents: status, explain and restart as tools',
  arguments: '',
  positionals: { min: 0, max: 0 },
  options: {},
  without: ['json', 'no-color'],
  details: [
    'Serves the tools mcpShepherd_status, mcpShepherd_explain and mcpShepherd_restart over standard input and output, until the client closes the input. Your client starts it: "claude mcp add mcp-shepherd -- mcp-shepherd mcp", "codex mcp add mcp-shepherd -- mcp-shepherd mcp".',
    'mcpShepherd_restart asks a guard, a VS Code window or a client; it signals no process and starts no command. Where the client can ask its user (elicitation), the tool asks first; other clients apply their own approval rules.',
  ],
  exits: [
    [exitCodes.ok, 'ended by its client or by a signal'],
    [exitCodes.error, 'usage error'],
  ],
  async run(context) {
    const { shell } = context;
    shell.endOnSignals();
    const log = stderrLog(shell.stderr);
    const session = await openSession(context, { log, asks: true });
    const { surveyor } = session;
    // One scan at a time: a client may call several tools at once.
    let last: Promise<unknown> = Promise.resolve();
    const scan = async (): Promise<Snapshot> => withRegistries(surveyor, await settledSurvey(surveyor, shell.ended), shell.ended);
    try {
      const machine: AgentMachine = {
        scan: () => {
          const next = last.then(scan, scan);
          last = next;
          return next;
        },
        async planRestart(instance, snapshot) {
          const actions = await actionContextOf(context, session, snapshot, `agent (mcp-shepherd mcp, PID ${process.pid})`);
          const plan = makePlan('restart', instance, snapshot, actions.planContext);
          return { plan, execute: () => executePlan(plan, actions) };
        },
      };
      const send = (message: object): void => shell.stdout.write(jsonText(message));
      await serveMcp({ input: process.stdin, send }, machine, productVersion, shell.ended, log);
      return exitCodes.ok;
    } finally {
      surveyor.dispose();
    }
  },
};
