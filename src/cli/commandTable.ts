import type { Command } from './command.ts';
import { doctorCommand } from './commands/doctor.ts';
import { ensureCommand } from './commands/ensure.ts';
import { explainCommand } from './commands/explain.ts';
import { historyCommand } from './commands/history.ts';
import { protectCommand, unprotectCommand } from './commands/protect.ts';
import { pruneCommand } from './commands/prune.ts';
import { restartCommand, stopCommand } from './commands/restartOrStop.ts';
import { statusCommand } from './commands/status.ts';
import { watchCommand } from './commands/watch.ts';

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
