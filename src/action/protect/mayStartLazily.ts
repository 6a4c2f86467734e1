import type { Definition } from '../../model/definition.ts';
import { eagerReason } from '../../process/commandline/eagerReason.ts';
import { guardCommand } from '../../process/commandline/guardCommand.ts';
import { specVersion } from '../../process/commandline/packageSpec.ts';
import { parseLaunch } from '../../process/commandline/parseLaunch.ts';
import { guardability } from './guardArguments.ts';

/** Whether the server of an entry may be started lazily, as far as its command tells: the guard decides again with the files of its code. */
export function mayStartLazily(words: readonly string[]): boolean {
  const [command = '', ...args] = words.slice(guardCommand(words)?.count ?? 0);
  const given = guardCommand(words)?.options ?? [];
  return (
    !given.some((word) => /^--(?:start|lock)(?:=|$)/.test(word)) && eagerReason(command, args) === undefined && isPinned(command, args)
  );
}

/** npx asks the registry at each start for anything but an exact version, and uvx for the newest dependencies: there the guard would start the server with each session. */
function isPinned(command: string, args: readonly string[]): boolean {
  const { launcher, spec = '' } = parseLaunch(command, args);
  return launcher === 'npm-exec' ? specVersion(spec) !== undefined : launcher !== 'uvx';
}

/** `lazy`: the guard of an entry starts its server when it is called; `lazyable`: it could. Undefined where neither is so. */
export function laziness(definition: Definition): 'lazy' | 'lazyable' | undefined {
  if (guardability(definition) === undefined || definition.command === undefined) {
    return undefined;
  }
  const words = [definition.command, ...definition.args];
  const options = guardCommand(words)?.options ?? [];
  return /(?:^|\0)--start(?:=|\0)lazy(?:\0|$)/.test(options.join('\0')) ? 'lazy' : mayStartLazily(words) ? 'lazyable' : undefined;
}
