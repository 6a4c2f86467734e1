import { actionOptions, runAction } from './actionCommand.ts';
import type { Command } from './command.ts';
import { exitCodes } from './exitCodes.ts';

export const restartCommand: Command = {
  name: 'restart',
  summary: 'restart one server, or say how',
  arguments: 'NAME|PID',
  positionals: { min: 1, max: 1 },
  options: actionOptions,
  details: [
    'Finds one running server by its PID, its name, its package or an unambiguous beginning of its name, and has it restarted by whoever runs it: its guard (its client notices nothing), or the VS Code window (its MCP Shepherd does it). Where only a person can do it in the client, the exact step is printed. A server whose client has ended is ended, because nobody can use it. An HTTP server that nobody runs is started again by the command that mcp-shepherd.json of the project folder has for its port, as by “ensure”.',
    'If several want the same at once, one acts and the others say so.',
  ],
  exits: [
    [exitCodes.ok, 'it was restarted, by this call or by somebody else at the same time'],
    [
      exitCodes.error,
      'wrong usage; no such server, more than one, or it does not run; it did not work, or the new process runs an old version as well',
    ],
    [exitCodes.youMustAct, 'nothing was done: the printed step is yours to take, or the question was not answered with yes'],
  ],
  run: (context) => runAction('restart', context),
};
