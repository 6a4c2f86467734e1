import { isDeepStrictEqual } from 'node:util';
import { because } from '../../base/language/because.ts';
import type { PackageRef } from '../../model/package.ts';
import { statPath } from '../../storage/boundedFile.ts';
import { isSameWay, newestChange, type WayState, wayState } from './commandPath.ts';
import { type ClientCommand, resolveCommand } from './resolveCommand.ts';

/** Where a command leads now. The object is the same as before while nothing on the way changed. */
export interface LeadNow {
  /** The package; the last one that was known while `broken`. Undefined when the command leads to none that can be read. */
  readonly ref: PackageRef | undefined;
  /** The newest change of a link, shim or version file on the way, epoch ms; 0 when there is none. */
  readonly changedAt: number;
  /** A file on the way is missing, such as the target of a link: an installer or a switch may be at work. */
  readonly broken: boolean;
  /** Why it leads to no package now, although it did. */
  readonly lost?: string;
}

/** A command that is followed again only when something on the way changed. Otherwise the answer costs one `lstat` for each link and script on the way, and for each folder of PATH up to the one that has the program. */
export class FollowedCommand {
  readonly #command: ClientCommand;
  #kept: { readonly lead: LeadNow; readonly state: WayState } | undefined;
  #way: readonly string[] = [];
  /** The paths that were tried on PATH: a program that appears or disappears there changes the result, although nothing on the way changes. */
  #tried: readonly string[] = [];

  constructor(command: ClientCommand) {
    this.#command = command;
  }

  /** Where the command leads now. @param now epoch ms */
  current(now: number): LeadNow {
    const kept = this.#kept;
    if (kept && !kept.lead.broken && isSameWay([...this.#way, ...this.#tried], kept.state, now)) {
      return kept.lead;
    }
    const fresh = this.#follow(kept?.lead);
    const lead = kept && isDeepStrictEqual(kept.lead, fresh) ? kept.lead : fresh;
    this.#kept = { lead, state: wayState([...this.#way, ...this.#tried], now) };
    return lead;
  }

  #follow(before: LeadNow | undefined): LeadNow {
    const { visited, tried, searched: _, ...lead } = resolveCommand(this.#command);
    this.#tried = tried;
    const found = 'found' in lead ? lead.found : { unknown: because`its command starts no package of this machine` };
    if ('ref' in found) {
      this.#way = visited;
      return { ref: found.ref, changedAt: newestChange(visited), broken: false };
    }
    const broken = this.#way.some((path) => statPath(path).status === 'absent');
    this.#way = [...new Set([...this.#way, ...visited])];
    const led = before !== undefined && (before.ref !== undefined || before.lost !== undefined);
    return { ref: broken ? before?.ref : undefined, changedAt: newestChange(this.#way), broken, ...(led ? { lost: found.unknown } : {}) };
  }
}
