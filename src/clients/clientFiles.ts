import { join } from 'node:path';
import type { ConfigFiles, FormatId } from './clientDescription.ts';
import { applicationData, type Places, pathVariable } from './clientPaths.ts';

/** Files of a user, at paths that depend on the system. */
export function userFiles(format: FormatId, paths: (places: Places) => readonly string[]): ConfigFiles {
  return { scope: 'user', format, at: { kind: 'fixed', paths } };
}

/** Files of a user, relative to the home directory on every system. */
export function homeFiles(format: FormatId, ...paths: readonly string[]): ConfigFiles {
  return userFiles(format, ({ home }) => paths.map((path) => join(home, path)));
}

/** Files in a directory that a variable may name. @param folder its usual place in the home directory */
export function filesIn(format: FormatId, variable: string, folder: string, ...paths: readonly string[]): ConfigFiles {
  return userFiles(format, (places) => paths.map((path) => join(pathVariable(places, variable) ?? join(places.home, folder), path)));
}

/** Files of a user, relative to where desktop programs keep their data. */
export function desktopFiles(format: FormatId, ...paths: readonly string[]): ConfigFiles {
  return userFiles(format, (places) => paths.map((path) => join(applicationData(places), path)));
}

/** Files of a project, in its folder itself. */
export function projectFiles(format: FormatId, ...paths: readonly string[]): ConfigFiles {
  return { scope: 'project', format, at: { kind: 'folder', paths } };
}

/** The root `.mcp.json`, which many clients read and Claude Code introduced. */
export const rootMcpFile: ConfigFiles = { ...projectFiles('dot-mcp', '.mcp.json'), of: 'claude-code' };

/** Files of an extension, in the `User` directory of every editor of VS Code's family. */
export function extensionFiles(format: FormatId, ...paths: readonly string[]): ConfigFiles {
  return { scope: 'user', format, at: { kind: 'user-dir', paths } };
}

/**
 * `User` directories of a desktop editor of VS Code's family and of the server behind its remote windows.
 * @param apps names of the desktop data directories (`Code`) @param serverDir name in the home directory (`.vscode-server`)
 */
export function userDirs(places: Places, apps: readonly string[], serverDir: string): string[] {
  const data = pathVariable(places, 'VSCODE_APPDATA') ?? applicationData(places);
  return [...apps.map((app) => join(data, app, 'User')), join(places.home, serverDir, 'data', 'User')];
}
