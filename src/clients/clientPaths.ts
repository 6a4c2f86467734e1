import { isAbsolute, join } from 'node:path';

/** The facts that decide where a client keeps its files. Paths are joined as the running system joins them, whatever `platform` says (tests inject it). */
export interface Places {
  readonly home: string;
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** @returns a variable that names a directory or file; undefined unless it is an absolute path (clients resolve others against their own directory) */
export function pathVariable(places: Places, name: string): string | undefined {
  const value = places.env[name];
  return value !== undefined && isAbsolute(value) ? value : undefined;
}

/** `$XDG_CONFIG_HOME`, else `~/.config`; on every system, as the command line clients do. */
export function configHome(places: Places): string {
  return pathVariable(places, 'XDG_CONFIG_HOME') ?? join(places.home, '.config');
}

/** Where desktop programs keep their data: `~/.config`, `~/Library/Application Support`, `%APPDATA%`. */
export function applicationData(places: Places): string {
  switch (places.platform) {
    case 'win32':
      return pathVariable(places, 'APPDATA') ?? join(places.home, 'AppData', 'Roaming');
    case 'darwin':
      return join(places.home, 'Library', 'Application Support');
    default:
      return configHome(places);
  }
}

/** `%LOCALAPPDATA%`. */
export function localApplicationData(places: Places): string {
  return pathVariable(places, 'LOCALAPPDATA') ?? join(places.home, 'AppData', 'Local');
}

/** `%ProgramData%`, where administrators keep settings for all users on Windows. */
export function programData(places: Places): string {
  return pathVariable(places, 'ProgramData') ?? pathVariable(places, 'PROGRAMDATA') ?? 'C:\\ProgramData';
}

/** Where Xcode keeps the files of the agents that it contains. */
export function xcodeAgents(places: Places): string {
  return join(places.home, 'Library', 'Developer', 'Xcode', 'CodingAssistant');
}

/** One path for each system; the Linux one for all others. */
export function perPlatform(places: Places, paths: { readonly linux: string; readonly darwin: string; readonly win32: string }): string {
  return places.platform === 'win32' || places.platform === 'darwin' ? paths[places.platform] : paths.linux;
}

/** Where Copilot CLI keeps its files, which VS Code's Agent Host reads too. */
export function copilotHome(places: Places): string {
  return pathVariable(places, 'COPILOT_HOME') ?? join(places.home, '.copilot');
}
