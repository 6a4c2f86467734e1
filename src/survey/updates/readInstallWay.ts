import type { InstalledFor, InstallWay } from './installWay.ts';
import { npmInstallWay } from './npmInstallWay.ts';
import { pythonInstallWay } from './pythonInstallWay.ts';

/** Reads how a package was installed. Files only; a few, so that the caller may do it once a minute. */
export function readInstallWay(installed: InstalledFor): InstallWay {
  return installed.ref.ecosystem === 'npm' ? npmInstallWay(installed) : pythonInstallWay(installed);
}
