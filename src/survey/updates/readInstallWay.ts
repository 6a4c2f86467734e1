import type { InstalledFor, InstallWay } from './installWay.ts';
import { npmInstallWay } from './npmInstallWay.ts';
import { pythonInstallWay } from './pythonInstallWay.ts';

/** Reads how a package was installed, from a few files. */
export function readInstallWay(installed: InstalledFor): InstallWay {
  return installed.ref.ecosystem === 'npm' ? npmInstallWay(installed) : pythonInstallWay(installed);
}
