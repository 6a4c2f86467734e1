import type { IndexRoute } from './indexRoute.ts';

/** Where a package manager finds its settings: variables and files. */
export interface SettingsSource {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Prefixes of the user's own Node installations. */
  readonly prefixes?: readonly string[];
  /** The text of a settings file; undefined when there is none, null when there is one that cannot be read. */
  read(path: string): string | null | undefined;
}

/** A settings file that is there and cannot be read. What it says is unknown, so no public registry is asked. */
class UnreadableSettings extends Error {
  /** @param path names the file in the message */
  constructor(path: string) {
    super(`${path} cannot be read, and may name another registry`);
  }
}

/**
 * The parsed text of a settings file; undefined when there is none.
 *
 * @param parse gives undefined for a text that it cannot read
 * @throws UnreadableSettings
 */
export function readSettings<T>(source: SettingsSource, path: string, parse: (text: string) => T | undefined): T | undefined {
  const text = source.read(path);
  const parsed = typeof text === 'string' ? parse(text) : undefined;
  if (text !== undefined && parsed === undefined) {
    throw new UnreadableSettings(path);
  }
  return parsed;
}

/** The route that `decide` finds; where it throws `UnreadableSettings`, that as the reason why nothing is asked. */
export function unlessUnreadable(decide: () => IndexRoute): IndexRoute {
  try {
    return decide();
  } catch (error) {
    if (error instanceof UnreadableSettings) {
      return { never: error.message };
    }
    throw error;
  }
}

/** The value of a variable that npm, pip, uv and proxies accept in lower and upper case; the lower case counts first. */
export function eitherCase(env: SettingsSource['env'], name: string): string | undefined {
  return env[name.toLowerCase()] || env[name.toUpperCase()] || undefined;
}
