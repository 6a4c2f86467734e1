import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GuardChoices, StartMode } from '../../action/protect/guardArguments.ts';
import { installLauncher, tryLauncher } from '../../action/protect/launcher.ts';
import type { ProtectRequest } from '../../action/protect/protectChange.ts';
import { anyText, flag, type OptionTable, option } from '../../base/optionTable.ts';
import { type StaleMode, staleModes } from '../../model/staleMode.ts';
import { productVersion } from '../../version/productVersion.ts';
import type { CommandContext } from '../command.ts';
import type { Shell } from '../terminal.ts';
import type { RunFolderOption } from './openSession.ts';

/** The options of both commands. */
export const protectCommonOptions = {
  client: option('ID', anyText, 'the entry of this client (vscode, claude-code, codex …)'),
  file: option('FILE', anyText, 'the entry in this file'),
  'dry-run': flag('show the change and write nothing'),
  yes: flag('write without asking', 'y'),
} as const satisfies OptionTable;

/** The request of the command line. */
export type ProtectCommandRequest =
  | {
      readonly action: 'protect';
      readonly portable: boolean;
      /** Undefined = ask, or leave the guard's default. */
      readonly onStale: StaleMode | undefined;
      readonly choices: GuardChoices;
    }
  | { readonly action: 'unprotect' };

/** A call of either command. */
export type ProtectContext = CommandContext<typeof protectCommonOptions>;

/** What the user chose when asked. */
export interface Answers {
  readonly onStale?: StaleMode;
  readonly start?: StartMode;
}

/** @returns the mode to use, `yes` where there is none to choose, undefined for no */
export async function agreedMode(ask: NonNullable<Shell['ask']>, request: ProtectCommandRequest): Promise<StaleMode | 'yes' | undefined> {
  if (request.action === 'protect' && request.onStale === undefined) {
    const choices = staleModes.filter(({ offered }) => offered).map(({ name }) => name);
    const numbered = choices.map((mode, index) => `[${index + 1}] ${mode}`).join(' ');
    const answer = (await ask(`Write this change? When stale: ${numbered} [n] cancel: `))?.trim().toLowerCase();
    return choices.find((mode, index) => answer === mode || answer === String(index + 1));
  }
  const answer = (await ask('Write this change? [y/N] '))?.trim().toLowerCase();
  return answer === 'y' || answer === 'yes' ? 'yes' : undefined;
}

/** Installs or renews the launcher, and tries it. @throws when the launcher cannot be written, or does not work */
export function putLauncher({ shell }: CommandContext, runDir: string): void {
  const launcher = installLauncher({
    runDir,
    // The folder of the running bundle: the other programs are beside it.
    dist: dirname(fileURLToPath(import.meta.url)),
    version: productVersion,
    execPath: process.execPath,
    electron: 'electron' in process.versions,
    platform: shell.platform,
    env: shell.env,
  });
  tryLauncher(launcher, shell.env);
}

/** The request for an entry, with the answers. */
export function requestOf(request: ProtectCommandRequest, { path, movedBy }: RunFolderOption, answers: Answers): ProtectRequest {
  if (request.action === 'unprotect') {
    return { action: 'unprotect' };
  }
  const { portable, choices } = request;
  const onStale = request.onStale === undefined ? {} : { onStale: request.onStale };
  const moved = movedBy === undefined ? {} : { runDir: path };
  return { action: 'protect', portable, choices: { ...choices, ...onStale, ...answers, ...moved } };
}
