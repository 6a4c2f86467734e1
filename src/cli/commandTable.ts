import type { AnyCommand } from './command.ts';
import { completionCommand } from './commands/completion.ts';
import { copyCommand } from './commands/copy.ts';
import { doctorCommand } from './commands/doctor.ts';
import { ensureCommand } from './commands/ensure.ts';
import { explainCommand } from './commands/explain.ts';
import { historyCommand } from './commands/history.ts';
import { logsCommand } from './commands/logs.ts';
import { mcpCommand } from './commands/mcp.ts';
import { protectCommand, unprotectCommand } from './commands/protect.ts';
import { pruneCommand } from './commands/prune.ts';
import { restartCommand, stopCommand } from './commands/restartOrStop.ts';
import { statusCommand } from './commands/status.ts';
import { upgradeServerCommand } from './commands/upgrade.ts';
import { watchCommand } from './commands/watch.ts';

/** Every command, in the order of the help. A new one is a file in `commands` and a line here. */
export const commandTable: readonly AnyCommand[] = [
  statusCommand,
  watchCommand,
  explainCommand,
  restartCommand,
  upgradeServerCommand,
  stopCommand,
  pruneCommand,
  historyCommand,
  logsCommand,
  protectCommand,
  unprotectCommand,
  copyCommand,
  ensureCommand,
  mcpCommand,
  doctorCommand,
  completionCommand(() => commandTable),
];
