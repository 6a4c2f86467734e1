import type { Command } from './command.ts';
import { doctorCommand } from './commands/doctor.ts';
import { restartCommand } from './commands/restart.ts';
import { statusCommand } from './commands/status.ts';
import { watchCommand } from './commands/watch.ts';

/** Every verb, in the order of the help. Adding one is adding a file and a line here. */
export const commandTable: readonly Command[] = [statusCommand, watchCommand, restartCommand, doctorCommand];
