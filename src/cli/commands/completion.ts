import type { AnyCommand, Command } from '../command.ts';
import { exitCodes, UsageError } from '../exitCodes.ts';
import { completionShells, renderCompletion } from '../render/completionScript.ts';

/** @param commands all commands, this one included */
export function completionCommand(commands: () => readonly AnyCommand[]): Command {
  return {
    name: 'completion',
    summary: 'a script with which your shell completes commands and options',
    arguments: 'SHELL',
    positionals: { min: 1, max: 1 },
    options: {},
    without: ['json', 'folder', 'run-dir', 'offline', 'no-color'],
    words: completionShells,
    details: [
      'Prints the script; its first line says how to load it. SHELL is bash, zsh, fish or powershell. Names of servers are not completed: that would scan the machine at each key.',
    ],
    exits: [
      [exitCodes.ok, 'success'],
      [exitCodes.error, 'usage error'],
    ],
    async run({ shell, positionals }) {
      const asked = completionShells.find((name) => name === positionals[0]);
      if (asked === undefined) {
        throw new UsageError(`there is no completion for "${positionals[0] ?? ''}"`, `SHELL is one of ${completionShells.join(', ')}.`);
      }
      shell.stdout.write(renderCompletion(asked, commands()));
      return exitCodes.ok;
    },
  };
}
