import type { Command } from './command.ts';
import { doctorCommand } from './doctorCommand.ts';
import { ensureCommand } from './ensureCommand.ts';
import { explainCommand } from './explainCommand.ts';
import { historyCommand } from './historyCommand.ts';
import { protectCommand, unprotectCommand } from './protectCommand.ts';
import { pruneCommand } from './pruneCommand.ts';
import { restartCommand } from './restartCommand.ts';
import { statusCommand } from './statusCommand.ts';
import { stopCommand } from './stopCommand.ts';
import { watchCommand } from './watchCommand.ts';

/** Every verb, in the order of the help. Adding one is adding a file and a line here. */
export const commandTable: readonly Command[] = [
  statusCommand,
  watchCommand,
  explainCommand,
  restartCommand,
  stopCommand,
  pruneCommand,
  historyCommand,
  protectCommand,
  unprotectCommand,
  ensureCommand,
  doctorCommand,
];
