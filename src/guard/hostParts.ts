import type { GuardOptions } from './options/guardOptions.ts';
import type { ParsedOptions } from './options/sharedOptions.ts';
import type { EndingServer } from './process/endServer.ts';
import type { GuardPlace } from './process/guardPlace.ts';
import type { Watchdog } from './process/watchdog.ts';
import type { SessionOutcome } from './stdio/stdioGuard.ts';

/** What the host takes from the guard, which has loaded all of that. The host is a build of its own: an import would split the start of every guard into more pieces. */
export interface HostParts {
  readOptions(words: readonly string[]): ParsedOptions<GuardOptions>;
  runSession(options: GuardOptions, place: GuardPlace): Promise<SessionOutcome>;
  endServer(server: EndingServer, limits: { readonly politeMs: number; readonly termMs: number }): Promise<boolean>;
  logLine(text: string): string;
  watchdog(graceMs: number): Pick<Watchdog, 'tell' | 'dismiss'>;
  isGroupAlive(group: number): boolean;
  /** Start time of a process; `-` where it cannot be read. */
  startOf(pid: number): string;
  begun(): Promise<void>;
  collect(): Promise<void>;
}
