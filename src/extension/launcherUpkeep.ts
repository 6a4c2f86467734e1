import { join } from 'node:path';
import type { ExtensionContext } from 'vscode';
import { hasLauncher, type Installer, installLauncher } from '../action/protect/launcher.ts';
import { reasonOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';

/** This extension as the one that puts the launcher in place. */
export function launcherInstaller(context: ExtensionContext, runDir: string): Installer {
  return {
    runDir,
    dist: join(context.extensionPath, 'dist'),
    version: String(context.extension.packageJSON.version),
    execPath: process.execPath,
    electron: 'electron' in process.versions,
    platform: process.platform,
    env: process.env,
  };
}

/** Brings the launcher up to date where entries may name it; a machine on which nothing is protected gets none. */
export function keepLauncher(context: ExtensionContext, runDir: string, log: Log): void {
  try {
    if (hasLauncher(runDir)) {
      installLauncher(launcherInstaller(context, runDir));
    }
  } catch (error) {
    log.warn(`The launcher of guarded servers could not be brought up to date: ${reasonOf(error)}`);
  }
}
