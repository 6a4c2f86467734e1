import { isAbsolute, join } from 'node:path';

/** What decides where a client keeps its files. Paths are joined as this system joins them, whatever `platform` says (tests inject it). */
export interface Places {
  readonly home: string;
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The value of a variable that names a directory or file; undefined unless it is an absolute path (clients resolve others against their own directory). */
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

/** `%ProgramData%`, where administrators put settings for everybody on Windows. */
export function programData(places: Places): string {
  return pathVariable(places, 'ProgramData') ?? pathVariable(places, 'PROGRAMDATA') ?? 'C:\\ProgramData';
}

/** One path per system, the Linux one for all others. */
export function perPlatform(places: Places, paths: { readonly linux: string; readonly darwin: string; readonly win32: string }): string {
  return places.platform === 'win32' || places.platform === 'darwin' ? paths[places.platform] : paths.linux;
}

/**
 * `User` directories of VS Code and its builds: the desktop's, the servers' that remote windows use, and code-server's.
 * @param vscodeApps names of the desktop data directories (`Code`), `serverDirs` names in the home directory (`.vscode-server`)
 */
export function vscodeUserDirs(places: Places, apps: readonly string[], serverDirs: readonly string[]): string[] {
  const data = pathVariable(places, 'VSCODE_APPDATA') ?? applicationData(places);
  return [...apps.map((app) => join(data, app, 'User')), ...serverDirs.map((dir) => join(places.home, dir, 'data', 'User'))];
}
