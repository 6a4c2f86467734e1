import { t } from '../../base/language/translate.ts';
import { clientById, clientName } from '../../clients/clientTable.ts';
import type { ClientId, RawDefinition } from '../../model/definition.ts';
import type { EntryFix } from '../../model/entryHealth.ts';
import { isAbsolutePath, wordPattern } from '../match/wordPattern.ts';

/** What is at a path. `unknown`: it may not be looked at. */
export type PathContent = 'program' | 'file' | 'folder' | 'absent' | 'unknown';

/** Everything about the machine that the judgement of entries needs. */
export interface HealthFacts {
  readonly home: string;
  readonly platform: NodeJS.Platform;
  /** The environment of the program that asks: of a terminal, or of an editor's window. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The program that asks was started from a terminal, as its clients are. */
  readonly inTerminal: boolean;
  /** Environments of the running processes of each client. */
  readonly running: ReadonlyMap<ClientId, readonly ReadonlyMap<string, string>[]>;
  /** Asks the file system. Opens nothing. */
  readonly look: (path: string) => PathContent;
}

/** What one judge says of an entry. The message is not redacted yet. */
export interface HealthVerdict {
  readonly message: string;
  /** Where it differs from the usual level of its kind. */
  readonly level?: 'warning' | 'information';
  readonly fix?: EntryFix;
}

/** A word of an entry with `~` and the folders filled in; undefined where it holds another variable. */
export function filledWord(word: string, { folder }: RawDefinition, { home, platform }: HealthFacts): string | undefined {
  const { text, pieces } = wordPattern(word, { home, windows: platform === 'win32', ...(folder === undefined ? {} : { folder }) });
  return pieces ? undefined : text;
}

/** What is at a path. Network shares are not asked: Windows would send the user's credentials to the host that the path names. */
export function contentAt(path: string, facts: HealthFacts): PathContent {
  return /^[\\/]{2}/.test(path) || /[\0\n]/.test(path) ? 'unknown' : facts.look(path);
}

/** The folder in which the entry's words are read as paths; undefined where the client decides it. */
export function baseFolder(entry: RawDefinition, launchFolder: string | undefined, facts: HealthFacts): string | undefined {
  const [inner, outer] = [launchFolder, entry.cwd].map((word) => (word === undefined ? undefined : filledWord(word, entry, facts)));
  if ((launchFolder !== undefined && inner === undefined) || (entry.cwd !== undefined && outer === undefined)) {
    return undefined;
  }
  const written = [inner, outer].find((path) => path !== undefined);
  return written === undefined ? entry.folder : isAbsolutePath(written) ? written : undefined;
}

/** The environments that the entry's clients have; undefined where none is known. */
export function clientEnvironments(entry: RawDefinition, facts: HealthFacts): readonly ReadonlyMap<string, string>[] | undefined {
  const running = entry.readBy.flatMap((id) => facts.running.get(id) ?? []);
  if (running.length > 0) {
    return running;
  }
  const own = Object.entries(facts.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  return facts.inTerminal && clientById(entry.client)?.path === 'terminal' ? [new Map(own)] : undefined;
}

/** The beginning of a sentence about an entry that does not work. */
export function cannotStart({ client, name }: RawDefinition): string {
  return t('{0} cannot start {1}:', clientName(client), name);
}
