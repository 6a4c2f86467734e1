import { actionOptions, runAction } from './actionCommand.ts';
import type { Command } from './command.ts';
import { exitCodes } from './exitCodes.ts';

export const stopCommand: Command = {
  name: 'stop',
  summary: 'stop one server',
  arguments: 'NAME|PID',
  positionals: { min: 1, max: 1 },
  options: actionOptions,
  details: [
    'A server of a VS Code window is stopped by that window. Any other is ended with its launchers and helpers: SIGTERM first, SIGKILL after 3 seconds; before each signal it is checked that the process is still the one that was meant. Where its client lives and may still use it, --force or a second yes is needed.',
  ],
  exits: [
    [exitCodes.ok, 'it is stopped, by this call or by somebody else at the same time'],
    [exitCodes.error, 'wrong usage; no such server, more than one, or it does not run; it did not work'],
    [exitCodes.youMustAct, 'nothing was done: the question was not answered with yes'],
  ],
  run: (context) => runAction('stop', context),
};
