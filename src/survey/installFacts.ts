import type { PackageRef } from '../types/package.ts';
import type { ProcessDetail, ProcessRow } from '../types/process.ts';
import type { Installation } from './installation.ts';
import { npmInstallation } from './npmInstallation.ts';
import { pythonInstallation } from './pythonInstallation.ts';

/**
 * Reads how a package was installed. Files only; a few, so that the caller may do it once a minute.
 *
 * @param root the package's directory (npm) or its dist-info (Python)
 */
export function readInstallation(
  ref: PackageRef,
  root: string,
  launchers: readonly ProcessRow[],
  detail: ProcessDetail,
  platform: NodeJS.Platform,
): Installation {
  const read = ref.ecosystem === 'npm' ? npmInstallation : pythonInstallation;
  return read(ref, root, launchers, detail, platform);
}
