/** Where a server's package manager would look for its settings: the server's own environment and files, never ours first. */
export interface SettingsSource {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The text of a settings file; undefined when there is none or it may not be read. */
  read(path: string): string | undefined;
}

/** A variable whose name npm, pip, uv and proxies take in either case. */
export function eitherCase(env: SettingsSource['env'], name: string): string | undefined {
  return env[name.toLowerCase()] || env[name.toUpperCase()] || undefined;
}
